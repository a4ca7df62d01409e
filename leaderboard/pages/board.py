"""The board: the ranking of a quest, filtered and sorted as the address asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from leaderboard.live_pages import live_quest_page
from leaderboard.pages import wall
from leaderboard.pages.sort_heading import SortHeading
from leaderboard.ranking import movement, queries
from submissions.models import Quest
from submissions.quests.visibility import Visibility
from submissions.specs.families import Family, offered

PAGE = 200
SORTS_BY_TIME = {"train", "predict"}


@dataclass(frozen=True, slots=True)
class BoardFilters:
    """The filters and the order in the board's address. Invalid values are ignored."""

    family: str
    machine: queries.HardwareChoice | None
    best: bool
    sort: str

    @classmethod
    def read(cls, asked: QueryDict, families: list[Family], machines: list[queries.HardwareChoice]) -> BoardFilters:
        family, sort = asked.get("family", ""), asked.get("sort", "")
        return cls(
            family=family if family in {one.name for one in families} else "",
            machine=next((one for one in machines if one.value == asked.get("hardware")), None),
            best=asked.get("show") != "all",
            sort=sort if sort.removeprefix("-") in queries.SORTS else "",
        )

    @property
    def filters(self) -> dict[str, Any]:
        """The filters as keyword arguments of `queries.board`."""
        machine = self.machine
        return {
            "family": self.family,
            "hardware": machine.hardware if machine else None,
            "device": machine.device if machine else "",
        }

    def query(self, quest: Quest, **changes: str) -> str:
        """The same filters as a query string, with `changes`."""
        parts = {
            "quest": str(quest.pk),
            "family": self.family,
            "hardware": self.machine.value if self.machine else "",
            "show": "" if self.best else "all",
            "sort": self.sort,
        }
        return urlencode({name: value for name, value in (parts | changes).items() if value})

    def headings(self, quest: Quest) -> dict[str, SortHeading]:
        def query(sort: str) -> str:
            return self.query(quest, sort=sort)

        by_column = {name: SortHeading.of(name, self.sort, query, ascending_first=True) for name in queries.SORTS}
        return {"rank": SortHeading.by_rank(self.sort, query)} | by_column


@require_safe
@gzip_page
def board_page(request: HttpRequest) -> HttpResponse:
    """The board, or with `?wall` the page for a projector. Both poll themselves."""
    if "wall" in request.GET:
        return wall.wall_page(request)
    return live_quest_page(
        request,
        page="leaderboard/board.html",
        fragment="leaderboard/_board.html",
        context=lambda visibility: _context(request, visibility),
    )


def _context(request: HttpRequest, visibility: Visibility) -> dict[str, Any]:
    quest, families = visibility.quest, offered()
    machines = queries.hardware_choices(quest, visibility)
    filters = BoardFilters.read(request.GET, families, machines)
    rows = queries.board(quest, visibility=visibility, best=filters.best, sort=filters.sort, **filters.filters)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    before = movement.ranks_before(quest, visibility, **filters.filters) if filters.best else {}
    by_time = filters.sort.removeprefix("-") in SORTS_BY_TIME
    return {
        "page": page,
        "movements": movement.movements(page, before),
        "filters": filters,
        "shows_parameters": any(row.parameters is not None and visibility.shows_model(row) for row in page),
        "shows_stock_times": any(row.score.attempt.stock_predicted_s is not None for row in page),
        # Times of different engines do not compare.
        "engines_mixed": queries.engines_mixed(rows) if by_time else [],
        "here": filters.query(quest, page=str(page.number) if page.number > 1 else ""),
        "headings": filters.headings(quest),
        "family_choices": [(family.name, family.label) for family in families],
        "hardware_choices": [(machine.value, machine.label) for machine in machines],
        "by_private": queries.ranks_by_private(quest),
        "entry": queries.entry_of(quest, request.user),
        "newer": filters.query(quest, page=str(page.number - 1)),
        "older": filters.query(quest, page=str(page.number + 1)),
    }
