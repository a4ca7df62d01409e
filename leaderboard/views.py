"""The board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from leaderboard import queries
from submissions.families.registry import Family, offered
from submissions.models import Quest, User

PAGE = 200


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the board can be sorted by: the query string of its heading's link, and how it is sorted now."""

    query: str
    order: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What the address asks the board to show. A value that cannot be is as good as none."""

    family: str
    machine: queries.Machine | None
    best: bool
    sort: str

    @classmethod
    def read(cls, asked: QueryDict, families: list[Family], machines: list[queries.Machine]) -> Wish:
        family, sort = asked.get("family", ""), asked.get("sort", "")
        return cls(
            family=family if family in {one.name for one in families} else "",
            machine=next((one for one in machines if one.value == asked.get("hardware")), None),
            best=asked.get("show") != "all",
            sort=sort if sort.removeprefix("-") in queries.SORTS else "",
        )

    def query(self, quest: Quest, **changes: str) -> str:
        """The same wish as a query string, with `changes`."""
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
def board_page(request: HttpRequest) -> HttpResponse:
    """The board whole; or, polled with `?seen=`, its live part, and 204 while nothing has changed."""
    quests = queries.published_quests(request.user)
    quest = queries.chosen(quests, request.GET.get("quest", ""))
    if quest is None:
        return render(request, "leaderboard/no_quest.html")
    pulse = queries.pulse(quest)
    seen = request.GET.get("seen")
    if seen == pulse.beat:
        return HttpResponse(status=204)
    template = "leaderboard/board.html" if seen is None else "leaderboard/_board.html"
    return render(request, template, {"quest": quest, "quests": quests, "pulse": pulse} | _shown(request, quest))


def _shown(request: HttpRequest, quest: Quest) -> dict[str, Any]:
    families, machines = offered(), queries.machines(quest)
    wish = Wish.read(request.GET, families, machines)
    rows = queries.board(
        quest,
        family=wish.family,
        hardware=wish.machine.hardware if wish.machine else None,
        device=wish.machine.device if wish.machine else "",
        best=wish.best,
        sort=wish.sort,
    )
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "wish": wish,
        "here": wish.query(quest, page=str(page.number) if page.number > 1 else ""),
        "columns": {"rank": Column(wish.query(quest, sort=""), "" if wish.sort else "ascending")}
        | {name: _column(wish, quest, name) for name in queries.SORTS},
        "families": families,
        "machines": machines,
        "by_private": queries.ranks_by_private(quest),
        "own_groups": own_groups(request),
        "entry": queries.entry_of(quest, request.user),
        "newer": wish.query(quest, page=str(page.number - 1)),
        "older": wish.query(quest, page=str(page.number + 1)),
    }


def _column(wish: Wish, quest: Quest, name: str) -> Column:
    order = {name: "ascending", f"-{name}": "descending"}.get(wish.sort, "")
    return Column(wish.query(quest, sort=f"-{name}" if order == "ascending" else name), order)


def own_groups(request: HttpRequest) -> set[int]:
    """The groups whose submissions the visitor may open: its rows are marked, and linked."""
    if not isinstance(request.user, User):
        return set()
    return set(request.user.memberships.values_list("group", flat=True))
