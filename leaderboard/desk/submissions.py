"""The desk's first page, every submission; and its tables as files."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from leaderboard.desk.access import for_instructors
from leaderboard.desk.listing import SORTS, DeskFilters, choices, snapshot
from leaderboard.desk.ranking import RankingFilters
from leaderboard.exports import tables
from leaderboard.ranking import queries
from submissions.models import Quest
from submissions.requests import UserRequest

PAGE = 100
CHUNK = 500  # rows that an export holds at a time


@for_instructors
@require_safe
@never_cache
def submissions(request: UserRequest) -> HttpResponse:
    """Every submission; or, polled with `?seen=`, the table, and 204 while nothing has changed."""
    now, seen = snapshot(), request.GET.get("seen")
    if seen == now.etag:
        return HttpResponse(status=204)
    wanted = DeskFilters.read(request.GET)
    page = Paginator(wanted.rows(), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "snapshot": now,
        "wanted": wanted,
        "here": wanted.query(page=page.number if page.number > 1 else None),
        "newer": wanted.query(page=page.number - 1),
        "older": wanted.query(page=page.number + 1),
        "columns": {name: _Heading(wanted, name) for name in SORTS},
    }
    if seen is not None:
        return render(request, "leaderboard/desk/_submissions.html", context)
    return render(request, "leaderboard/desk/submissions.html", context | choices())


class _Heading:
    """A heading that sorts: the query string of its link, and how the table is sorted by it now."""

    def __init__(self, wanted: DeskFilters, name: str) -> None:
        self.order = {name: "ascending", f"-{name}": "descending"}.get(wanted.sort, "")
        self.query = wanted.query(sort=name if self.order == "descending" else f"-{name}")


@for_instructors
@require_safe
def submissions_export(request: UserRequest, ending: str) -> HttpResponseBase:
    """What the filters show, all pages of it."""
    wanted = DeskFilters.read(request.GET)
    rows = wanted.rows().iterator(chunk_size=CHUNK)
    quest = Quest.objects.filter(pk=wanted.quest).first() if wanted.quest else None
    records = map(tables.with_spec if ending == "json" else tables.record, rows)
    return tables.as_file(ending, records, tables.COLUMNS, tables.file_name("submissions", quest))


@for_instructors
@require_safe
def ranking_export(request: UserRequest, ending: str) -> HttpResponseBase:
    """The ranking, the best of each group or all, without an end."""
    quest = _quest(request)
    if quest is None:
        raise Http404
    rows = RankingFilters.read(request.GET, quest).rows(request.user).iterator(chunk_size=CHUNK)
    name = tables.file_name("ranking", quest)
    return tables.as_file(ending, map(tables.ranked, rows), tables.RANKED_COLUMNS, name)


def _quest(request: UserRequest) -> Quest | None:
    return queries.current_quest(request.GET.get("quest", ""), user=request.user)
