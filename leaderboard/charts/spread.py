"""A histogram of the scores, with the reader's own marked."""

from __future__ import annotations

from math import ceil, floor
from statistics import median
from typing import Any

from django.utils.translation import gettext as _

from leaderboard.charts.figure import Figure, Row, Subject, Table, score_limits
from leaderboard.charts.runs import ChartRun
from submissions.wording import score

WIDTHS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
MOST_BARS = 24
LONE_MARGIN = 0.01  # on both sides of a single score


def figure(subject: Subject) -> Figure:
    """Every score, or each group's best. Scores far below the rest are counted in the leftmost bar."""
    runs = subject.best_of_groups if subject.filters.show == "best" else subject.best_first
    if not runs:
        return Figure(name="spread")
    edges = bins([run.score for run in runs])
    counts = [_counted(runs, edges, place) for place in range(len(edges) - 1)]
    own = next((run for run in runs if run.own), None)
    return Figure(
        name="spread",
        data={"bars": [row for bar in counts for row in _stack(bar)], "own": _mark(own, edges)},
        limits={"floor": edges[0], "ceiling": edges[-1], "top": _top(counts)},
        words=_words(subject.filters.show, own),
        facts=_facts(runs, own) | {"below": counts[0]["below"], "show": subject.filters.show},
        table=_table(counts),
        records=[_record(bar) for bar in counts],
    )


def bins(scores: list[float]) -> list[float]:
    """The edges of at most `MOST_BARS` bars: round numbers, from where the bulk of the scores begins to the best."""
    limits = score_limits(scores)
    low, high = max(min(scores), limits["floor"]), max(scores)
    if low == high:
        low, high = max(0.0, low - LONE_MARGIN), min(1.0, high + LONE_MARGIN)
    width = next((width for width in WIDTHS if (high - low) / width <= MOST_BARS - 1), WIDTHS[-1])
    first, last = floor(low / width + 1e-9), max(ceil(high / width - 1e-9), floor(low / width + 1e-9) + 1)
    return [round(place * width, 6) for place in range(first, last + 1)]


def _counted(runs: list[ChartRun], edges: list[float], place: int) -> Row:
    """One bar: low ≤ score < high. The last bar includes its upper edge, the first one everything below."""
    low, high = edges[place], edges[place + 1]
    is_first, is_last = place == 0, place == len(edges) - 2
    within = [run for run in runs if (is_first or run.score >= low) and (run.score < high or is_last)]
    return {
        "from": low,
        "to": high,
        "yours": sum(run.own for run in within),
        "others": sum(not run.own for run in within),
        "below": sum(run.score < low for run in within),
    }


def _stack(bar: Row) -> list[Row]:
    words = {"others": _("other groups"), "yours": _("your group")}
    text = f"{score(bar['from'])} – {score(bar['to'])}"
    return [
        {"from": bar["from"], "to": bar["to"], "whose": words[whose], "count": bar[whose], "text": text}
        for whose in words
        if bar[whose]
    ]


def _top(counts: list[Row]) -> float:
    """The end of the axis of counts, with room for a label above the highest bar."""
    return 1.15 * max(bar["yours"] + bar["others"] for bar in counts)


def _mark(own: ChartRun | None, edges: list[float]) -> list[Row]:
    if own is None:
        return []
    side = "right" if own.score > (edges[0] + edges[-1]) / 2 else "left"  # the edge at which the text starts
    return [{"score": own.score, "side": side, "text": _("your best: {score}").format(score=score(own.score))}]


def _facts(runs: list[ChartRun], own: ChartRun | None) -> dict[str, Any]:
    scores = [run.score for run in runs]
    facts: dict[str, Any] = {"count": len(runs), "median": median(scores), "best": max(scores), "own": own}
    if own:
        others = [run.score for run in runs if not run.own]
        facts["beaten"] = round(100 * sum(score < own.score for score in others) / len(others)) if others else None
    return facts


def _words(show: str, own: ChartRun | None) -> dict[str, Any]:
    return {
        "score": _("Score"), "count": _("Groups") if show == "best" else _("Submissions"), "whose": _("Group"),
        "bars": [_("other groups"), _("your group")] if own else [_("other groups")],
    }  # fmt: skip


def _table(counts: list[Row]) -> Table:
    return Table(
        head=[_("Score from"), _("to"), _("Scores"), _("Your group’s")],
        numeric=[True, True, True, True],
        rows=[
            [score(bar["from"]), score(bar["to"]), str(bar["yours"] + bar["others"]), str(bar["yours"])]
            for bar in counts
        ],
    )


def _record(bar: Row) -> Row:
    count = bar["yours"] + bar["others"]
    return {"from": bar["from"], "to": bar["to"], "count": count, "own": bar["yours"], "below_from": bar["below"]}
