"""The rows that tables and exports read: submissions with their runs."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from submissions.models import Attempt, Submission

# Columns of many kilobytes that neither table nor export shows.
_HEAVY = ("epochs", "progress", "traceback", "output", "versions")


def with_runs(rows: QuerySet[Submission]) -> QuerySet[Submission]:
    """The rows with their quest, group and attempts in two queries, without what fills kilobytes."""
    attempts = Attempt.objects.select_related("hardware").defer(*_HEAVY).order_by("number")
    return (
        rows.select_related("quest__course", "group", "submitter", "score")
        .defer("notation", "score__errors")
        .prefetch_related(Prefetch("attempts", queryset=attempts))
    )
