"""A group's scores over time as a small picture: a dot for each, and a step line of the best so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from submissions.models import Quest, State, Submission

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 92, 12, 12, 28
MOST = 3  # quests that are drawn, the newest
FEWEST = 2  # scores that make a history


@dataclass(frozen=True, slots=True)
class Dot:
    """A score where it is drawn."""

    x: float
    y: float
    score: float
    at: datetime


@dataclass(frozen=True, slots=True)
class ScoreChart:
    """What one quest's picture is drawn from; lengths in units of its view box."""

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
    """A chart for each quest in which at least two of `rows` were scored and count, the newest quest first."""
    scored: dict[Quest, list[Submission]] = {}
    for row in sorted(rows, key=lambda row: (row.submitted_at, row.pk)):
        if row.state == State.SCORED and row.counts and not row.disqualified:
            scored.setdefault(row.quest, []).append(row)
    quests = sorted((quest for quest in scored if len(scored[quest]) >= FEWEST), key=lambda quest: -quest.pk)
    return [_chart(quest, scored[quest]) for quest in quests[:MOST]]


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
    """The scores' range with some air, never empty, and within 0 and 1."""
    air = max((max(scores) - min(scores)) * 0.1, 0.002)
    return max(0.0, min(scores) - air), min(1.0, max(scores) + air)


def _steps(xs: list[float], ys: list[float]) -> str:
    """An SVG path that goes right, then up, to each next best, and on to the right edge."""
    steps = "".join(f" H{x} V{y}" for x, y in zip(xs[1:], ys[1:], strict=True))
    return f"M{xs[0]} {ys[0]}{steps} H{WIDTH - RIGHT}"
