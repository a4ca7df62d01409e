"""Submissions with their score and runs, read in few queries and without the columns that fill kilobytes."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from submissions.models import Attempt, Submission

# Columns of an attempt of many kilobytes, which no table shows; reading a deferred one costs a query a row.
HEAVY_RUN_COLUMNS = ("epochs", "progress", "traceback", "output", "versions")


def with_scored_run(rows: QuerySet[Submission]) -> QuerySet[Submission]:
    """The rows with their group and the attempt that was scored, in the same query."""
    heavy = ("spec", "notation", "score__errors", *(f"score__attempt__{name}" for name in HEAVY_RUN_COLUMNS))
    return rows.select_related("group", "score__attempt__hardware").defer(*heavy)


def with_runs(rows: QuerySet[Submission]) -> QuerySet[Submission]:
    """The rows with their quest, group, submitter, score and all attempts, in two queries."""
    attempts = Attempt.objects.select_related("hardware").defer(*HEAVY_RUN_COLUMNS).order_by("number")
    return (
        rows.select_related("quest__course", "group", "submitter", "score")
        .defer("notation", "score__errors")
        .prefetch_related(Prefetch("attempts", queryset=attempts))
    )
