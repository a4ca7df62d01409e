"""The feed: a line for every score of the quest, newest first."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from leaderboard.live_pages import live_quest_page
from leaderboard.ranking import queries
from leaderboard.ranking.feed_lines import FeedLine, feed_line
from submissions.api.conditional import etag_of, matches_etag
from submissions.quests.visibility import Visibility, visibility_for

PAGE = 50


@require_safe
@gzip_page
def feed_page(request: HttpRequest) -> HttpResponse:
    """The feed, which polls itself."""
    return live_quest_page(
        request,
        page="leaderboard/feed.html",
        fragment="leaderboard/_feed.html",
        context=lambda visibility: _context(request, visibility),
    )


def _context(request: HttpRequest, visibility: Visibility) -> dict[str, Any]:
    page, lines = _page(request, visibility)
    quest = visibility.quest.pk
    return {
        "page": page,
        "lines": lines,
        "newer": f"quest={quest}&page={page.number - 1}",
        "older": f"quest={quest}&page={page.number + 1}",
    }


def _page(request: HttpRequest, visibility: Visibility) -> tuple[Page[queries.FeedSubmission], list[FeedLine]]:
    rows = queries.feed(visibility.quest, visibility=visibility)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return page, [feed_line(row, visibility) for row in page]


@require_safe
@cache_control(private=True, no_cache=True)
def feed_text(request: HttpRequest) -> HttpResponse:
    """The same lines as plain text, for a terminal or a script; `?page=2` gives older ones."""
    quest = queries.current_quest(request.GET.get("quest", ""), user=request.user)
    if quest is None:
        raise Http404
    visibility = visibility_for(quest, request.user)
    etag = etag_of(settings.QUEST_VERSION, quest.pk, queries.snapshot(quest, visibility).etag)
    if matches_etag(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    _, lines = _page(request, visibility)
    text = "".join(f"{line}\n" for line in lines)
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers={"ETag": etag})
