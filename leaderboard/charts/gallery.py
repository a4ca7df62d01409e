"""All charts, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import QueryDict

from leaderboard.charts import breakdown, cost, progress, size, spread
from leaderboard.charts.figure import ChartFilters, Figure, Subject
from leaderboard.charts.runs import runs
from submissions.models import Quest
from submissions.quests.visibility import Visibility

CHARTS: dict[str, Callable[[Subject], Figure]] = {
    "cost": cost.figure,
    "progress": progress.figure,
    "spread": spread.figure,
    "size": size.figure,
    "breakdown": breakdown.figure,
}


def subject(quest: Quest, visibility: Visibility, asked: QueryDict) -> Subject:
    """The quest's runs as the reader sees them, with the filters from the address."""
    found = runs(quest, visibility)
    return Subject(quest, found, ChartFilters.read(asked, found, quest))
