"""Filters for a row of the board: the interval of its score, and how its group has moved."""

from __future__ import annotations

from django import template

from leaderboard.ranking import queries
from leaderboard.ranking.movement import Movement
from submissions.results.wilson import wilson

register = template.Library()


@register.filter
def interval(row: queries.RankedSubmission) -> str:
    """The 95% interval of the accuracy that ranks the row, `0.95132–0.97421`."""
    low, high = wilson(row.points, row.out_of)
    return f"{low:.5f}–{high:.5f}"


@register.filter
def of(movements: dict[int, Movement], row: queries.RankedSubmission) -> Movement | None:
    return movements.get(row.pk)
