"""The desk's first page, with every submission, and the desk's tables as files."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from leaderboard.desk.access import for_instructors
from leaderboard.desk.listing import SORTS, DeskFilters, DeskSnapshot, choices, snapshot
from leaderboard.desk.ranking import RankingFilters
from leaderboard.exports import tables
from leaderboard.live_pages import live_page
from leaderboard.pages.sort_heading import SortHeading
from leaderboard.ranking import queries
from submissions.models import Quest
from submissions.requests import UserRequest

PAGE = 100
CHUNK = 500  # rows of an export held in memory at a time


@for_instructors
@require_safe
def submissions(request: UserRequest) -> HttpResponse:
    """Every submission. The table polls itself."""
    now = snapshot()
    return live_page(
        request,
        version=now.etag,
        page="leaderboard/desk/submissions.html",
        fragment="leaderboard/desk/_submissions.html",
        context=lambda: _context(request, now),
    )


def _context(request: UserRequest, now: DeskSnapshot) -> dict[str, Any]:
    filters = DeskFilters.read(request.GET)
    page = Paginator(filters.rows(), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "snapshot": now,
        "filters": filters,
        "here": filters.query(page=page.number if page.number > 1 else None),
        "newer": filters.query(page=page.number - 1),
        "older": filters.query(page=page.number + 1),
        "headings": {name: SortHeading.of(name, filters.sort, lambda sort: filters.query(sort=sort)) for name in SORTS},
    }
    polled = "seen" in request.GET  # the fragment is the table alone, and needs no choices
    return context if polled else context | choices()


@for_instructors
@require_safe
def submissions_export(request: UserRequest, ending: str) -> HttpResponseBase:
    """All filtered submissions, as a file."""
    filters = DeskFilters.read(request.GET)
    rows = filters.rows().iterator(chunk_size=CHUNK)
    quest = Quest.objects.filter(pk=filters.quest).first() if filters.quest else None
    records = map(tables.with_spec if ending == "json" else tables.record, rows)
    return tables.as_file(ending, records, tables.COLUMNS, tables.file_name("submissions", quest))


@for_instructors
@require_safe
def ranking_export(request: UserRequest, ending: str) -> HttpResponseBase:
    """The whole ranking as a file: each group's best, or with `?show=all` every score."""
    quest = queries.current_quest(request.GET.get("quest", ""), user=request.user)
    if quest is None:
        raise Http404
    rows = RankingFilters.read(request.GET, quest).rows(request.user).iterator(chunk_size=CHUNK)
    name = tables.file_name("ranking", quest)
    return tables.as_file(ending, map(tables.ranked, rows), tables.RANKED_COLUMNS, name)
