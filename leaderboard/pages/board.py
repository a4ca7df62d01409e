"""The board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from leaderboard.pages import wall
from leaderboard.ranking import movement, queries
from submissions.models import Quest
from submissions.quests.visibility import Visibility, visibility_for
from submissions.specs.families import Family, offered

PAGE = 200
BY_TIME = {"train", "predict"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the board can be sorted by: the query string of its heading's link, and how it is sorted now."""

    query: str
    order: str


@dataclass(frozen=True, slots=True)
class BoardFilters:
    """What the address asks the board to show. A value that cannot be is as good as none."""

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
        """What narrows the board, as `queries.board` takes it."""
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


@require_safe
@never_cache
@gzip_page
def board_page(request: HttpRequest) -> HttpResponse:
    """The board whole; or, polled with `?seen=`, its live part, and 204 while nothing has changed."""
    if "wall" in request.GET:
        return wall.wall_page(request)
    quests = queries.published_quests(request.user)
    quest = queries.chosen(quests, request.GET.get("quest", ""), request.user)
    if quest is None:
        return render(request, "leaderboard/no_quest.html")
    seen = visibility_for(quest, request.user)
    snapshot = queries.snapshot(quest, seen)
    if request.GET.get("seen") == snapshot.etag:
        return HttpResponse(status=204)
    template = "leaderboard/_board.html" if "seen" in request.GET else "leaderboard/board.html"
    context = {"quest": quest, "quests": quests, "snapshot": snapshot, "visibility": seen}
    return render(request, template, context | _shown(request, seen))


def _shown(request: HttpRequest, seen: Visibility) -> dict[str, Any]:
    quest, families, machines = seen.quest, offered(), queries.hardware_choices(seen.quest, seen)
    filters = BoardFilters.read(request.GET, families, machines)
    rows = queries.board(quest, seen=seen, best=filters.best, sort=filters.sort, **filters.filters)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    before = movement.ranks_before(quest, seen, **filters.filters) if filters.best else {}
    return {
        "page": page,
        "movements": movement.movements(page, before),
        "filters": filters,
        "sized": any(row.parameters is not None and seen.shows_model(row) for row in page),
        "stock_told": any(row.score.attempt.stock_predicted_s is not None for row in page),
        # Their times say little of each other.
        "engines_mixed": queries.engines_mixed(rows) if filters.sort.removeprefix("-") in BY_TIME else [],
        "here": filters.query(quest, page=str(page.number) if page.number > 1 else ""),
        "columns": {"rank": Column(filters.query(quest, sort=""), "" if filters.sort else "ascending")}
        | {name: _column(filters, quest, name) for name in queries.SORTS},
        "families": families,
        "machines": machines,
        "by_private": queries.ranks_by_private(quest),
        "entry": queries.entry_of(quest, request.user),
        "newer": filters.query(quest, page=str(page.number - 1)),
        "older": filters.query(quest, page=str(page.number + 1)),
    }


def _column(filters: BoardFilters, quest: Quest, name: str) -> Column:
    order = {name: "ascending", f"-{name}": "descending"}.get(filters.sort, "")
    return Column(filters.query(quest, sort=f"-{name}" if order == "ascending" else name), order)
