"""The desk's ranking: the board with what each entry cost, in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from leaderboard.desk.access import for_instructors
from leaderboard.exports.rows import with_runs
from leaderboard.ranking import queries
from submissions.models import Quest, Submission, User
from submissions.quests.visibility import visibility_for
from submissions.requests import UserRequest

PAGE = 100
TIMES = ("training", "scoring", "total", "cpu")
_OF_THE_RUN = {
    "waiting": "queue_wait_s",
    "training": "train_s",
    "scoring": "predict_s",
    "total": "total_s",
    "cpu": "cpu_s",
    "attempts": "number",
}
_COLUMNS = {"group": "group__name", "parameters": "parameters"} | {
    name: f"score__attempt__{field}" for name, field in _OF_THE_RUN.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingFilters:
    """What the address asks the ranking to show; without `sort` it is by rank."""

    quest: Quest
    show_all: bool
    sort: str

    @classmethod
    def read(cls, asked: QueryDict, quest: Quest) -> Self:
        sort = asked.get("sort", "")
        known = sort.removeprefix("-") in _COLUMNS
        return cls(quest=quest, show_all=asked.get("show") == "all", sort=sort if known else "")

    def query(self, **changes: Any) -> str:
        """The same filters as a query string, with `changes`."""
        parts = {"quest": self.quest.pk, "show": "all" if self.show_all else "", "sort": self.sort} | changes
        return urlencode({name: value for name, value in parts.items() if value})

    def rows(self, user: User) -> QuerySet[Submission]:
        """As instructors see it, also while the board is frozen for everybody else."""
        rows = queries.board(self.quest, seen=visibility_for(self.quest, user), best=not self.show_all)
        column = _COLUMNS.get(self.sort.removeprefix("-"))
        if column:
            # What has no value stands last either way.
            first = F(column).desc(nulls_last=True) if self.sort.startswith("-") else F(column).asc(nulls_last=True)
            return with_runs(rows.order_by(first, "rank", "ranked_at", "pk"))
        return with_runs(rows)

    def columns(self) -> dict[str, RankedColumn]:
        return {name: RankedColumn.of(self, name) for name in _COLUMNS}


@dataclass(frozen=True, slots=True)
class RankedColumn:
    """A heading that sorts: the query string of its link, and how the table is sorted by it now."""

    query: str
    order: str

    @classmethod
    def of(cls, filters: RankingFilters, name: str) -> Self:
        order = {name: "ascending", f"-{name}": "descending"}.get(filters.sort, "")
        return cls(filters.query(sort=name if order == "descending" else f"-{name}"), order)


@for_instructors
@require_safe
@never_cache
def ranking(request: UserRequest) -> HttpResponse:
    """The ranking of a quest with all its times; polled as the board is."""
    quest = queries.current_quest(request.GET.get("quest", ""), user=request.user)
    if quest is None:
        return render(request, "leaderboard/desk/no_quest.html")
    now, seen = queries.snapshot(quest, visibility_for(quest, request.user)), request.GET.get("seen")
    if seen == now.etag:
        return HttpResponse(status=204)
    filters = RankingFilters.read(request.GET, quest)
    rows = filters.rows(request.user)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "quest": quest,
        "snapshot": now,
        "page": page,
        "show_all": filters.show_all,
        "sort": filters.sort,
        "columns": filters.columns(),
        "by_rank": filters.query(sort=""),
        "sized": any(row.parameters is not None for row in page),
        "engines_mixed": queries.engines_mixed(rows) if filters.sort.removeprefix("-") in TIMES else [],
        "by_private": queries.ranks_by_private(quest),
        "query": filters.query(),
        "here": filters.query(page=page.number),
        "newer": filters.query(page=page.number - 1),
        "older": filters.query(page=page.number + 1),
    }
    if seen is not None:
        return render(request, "leaderboard/desk/_ranking.html", context)
    return render(request, "leaderboard/desk/ranking.html", context | {"quests": queries.published_quests()})
