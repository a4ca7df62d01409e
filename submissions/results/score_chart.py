"""A chart of a group's scores over time: a dot for each score, and a step line of the best so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from submissions.models import Quest, State, Submission

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 92, 12, 12, 28
MAX_CHARTS = 3  # only the newest quests get a chart
MIN_SCORES = 2


@dataclass(frozen=True, slots=True)
class Dot:
    """A score and its position in the chart."""

    x: float
    y: float
    score: float
    at: datetime


@dataclass(frozen=True, slots=True)
class ScoreChart:
    """The chart of one quest; lengths are in units of its view box."""

    quest: Quest
    dots: list[Dot]
    line: str
    best: float
    levels: list[tuple[float, float]]

    width, height = WIDTH, HEIGHT
    left, right, bottom = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM
    under = HEIGHT - 8

    @property
    def first(self) -> Dot:
        return self.dots[0]

    @property
    def last(self) -> Dot:
        return self.dots[-1]


def score_charts(rows: Iterable[Submission]) -> list[ScoreChart]:
    """A chart for each quest with at least two scores that count, newest quest first."""
    scored: dict[Quest, list[Submission]] = {}
    for row in sorted(rows, key=lambda row: (row.submitted_at, row.pk)):
        if row.state == State.SCORED and row.counts and not row.disqualified:
            scored.setdefault(row.quest, []).append(row)
    quests = sorted((quest for quest in scored if len(scored[quest]) >= MIN_SCORES), key=lambda quest: -quest.pk)
    return [_chart(quest, scored[quest]) for quest in quests[:MAX_CHARTS]]


def _chart(quest: Quest, rows: list[Submission]) -> ScoreChart:
    scores = [row.accuracy or 0.0 for row in rows]
    low, high = _bounds(scores)
    began, lasted = rows[0].submitted_at, (rows[-1].submitted_at - rows[0].submitted_at).total_seconds()

    def x(at: datetime) -> float:
        share = (at - began).total_seconds() / lasted if lasted else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(score: float) -> float:
        return round(TOP + (high - score) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    dots = [
        Dot(x(row.submitted_at), y(score), score, row.submitted_at) for row, score in zip(rows, scores, strict=True)
    ]
    return ScoreChart(
        quest=quest,
        dots=dots,
        line=_steps([dot.x for dot in dots], [y(best) for best in accumulate(scores, max)]),
        best=max(scores),
        levels=[(y(level), level) for level in (low, (low + high) / 2, high)],
    )


def _bounds(scores: list[float]) -> tuple[float, float]:
    """The range of the scores with a margin, within 0 and 1; never empty."""
    margin = max((max(scores) - min(scores)) * 0.1, 0.002)
    return max(0.0, min(scores) - margin), min(1.0, max(scores) + margin)


def _steps(xs: list[float], ys: list[float]) -> str:
    """An SVG path that steps right and up to each new best, and on to the right edge."""
    steps = "".join(f" H{x} V{y}" for x, y in zip(xs[1:], ys[1:], strict=True))
    return f"M{xs[0]} {ys[0]}{steps} H{WIDTH - RIGHT}"
