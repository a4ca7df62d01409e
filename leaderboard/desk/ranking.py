"""The desk's ranking: the board with the cost of each entry, sorted by any column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from leaderboard.desk.access import for_instructors
from leaderboard.live_pages import live_quest_page
from leaderboard.pages.sort_heading import SortHeading
from leaderboard.ranking import queries
from leaderboard.ranking.rows import with_runs
from submissions.models import Quest, Submission, User
from submissions.quests.visibility import Visibility, visibility_for
from submissions.requests import UserRequest

PAGE = 100
SORTS_BY_TIME = ("training", "scoring", "total", "cpu")
_RUN_COLUMNS = {
    "waiting": "queue_wait_s",
    "training": "train_s",
    "scoring": "predict_s",
    "total": "total_s",
    "cpu": "cpu_s",
    "attempts": "number",
}
_COLUMNS = {"group": "group__name", "parameters": "parameters"} | {
    name: f"score__attempt__{field}" for name, field in _RUN_COLUMNS.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingFilters:
    """The filters and the order in the ranking's address; an empty `sort` is by rank."""

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
        """The ranking as instructors see it: live, also while the board is frozen for everybody else."""
        rows = queries.board(self.quest, visibility=visibility_for(self.quest, user), best=not self.show_all)
        column = _COLUMNS.get(self.sort.removeprefix("-"))
        if column:
            # Unknown values come last in both orders.
            first = F(column).desc(nulls_last=True) if self.sort.startswith("-") else F(column).asc(nulls_last=True)
            return with_runs(rows.order_by(first, "rank", "ranked_at", "pk"))
        return with_runs(rows)

    def headings(self) -> dict[str, SortHeading]:
        def query(sort: str) -> str:
            return self.query(sort=sort)

        by_column = {name: SortHeading.of(name, self.sort, query) for name in _COLUMNS}
        return {"rank": SortHeading.by_rank(self.sort, query)} | by_column


@for_instructors
@require_safe
def ranking(request: UserRequest) -> HttpResponse:
    """The ranking of a quest with all its times. The page polls itself."""
    return live_quest_page(
        request,
        page="leaderboard/desk/ranking.html",
        fragment="leaderboard/desk/_ranking.html",
        context=lambda visibility: _context(request, visibility),
        no_quest="leaderboard/desk/no_quest.html",
    )


def _context(request: UserRequest, visibility: Visibility) -> dict[str, Any]:
    quest = visibility.quest
    filters = RankingFilters.read(request.GET, quest)
    rows = filters.rows(request.user)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "show_all": filters.show_all,
        "sort": filters.sort,
        "headings": filters.headings(),
        "shows_parameters": any(row.parameters is not None for row in page),
        "engines_mixed": queries.engines_mixed(rows) if filters.sort.removeprefix("-") in SORTS_BY_TIME else [],
        "by_private": queries.ranks_by_private(quest),
        "query": filters.query(),
        "here": filters.query(page=page.number),
        "newer": filters.query(page=page.number - 1),
        "older": filters.query(page=page.number + 1),
    }
