"""The feed: the chronicle of the quest, a line a score, newest first, as it was once kept by hand."""

from __future__ import annotations

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from leaderboard.ranking import queries
from leaderboard.ranking.feed_lines import FeedLine, feed_line
from submissions.api.conditional import etag_of, has_it
from submissions.quests.visibility import Visibility, visibility_for

PAGE = 50


def _page(request: HttpRequest, seen: Visibility) -> tuple[Page[queries.Posted], list[FeedLine]]:
    page = Paginator(queries.feed(seen.quest, seen=seen), PAGE).get_page(request.GET.get("page"))
    return page, [feed_line(row, seen) for row in page]


@require_safe
@never_cache
@gzip_page
def feed_page(request: HttpRequest) -> HttpResponse:
    """The feed whole; or, polled with `?seen=`, its live part, and 204 while nothing has changed."""
    quests = queries.published_quests(request.user)
    quest = queries.chosen(quests, request.GET.get("quest", ""), request.user)
    if quest is None:
        return render(request, "leaderboard/no_quest.html")
    seen = visibility_for(quest, request.user)
    snapshot = queries.snapshot(quest, seen)
    if request.GET.get("seen") == snapshot.etag:
        return HttpResponse(status=204)
    page, lines = _page(request, seen)
    shown = {"quest": quest, "quests": quests, "visibility": seen, "snapshot": snapshot, "page": page, "lines": lines}
    shown |= {"newer": f"quest={quest.pk}&page={page.number - 1}", "older": f"quest={quest.pk}&page={page.number + 1}"}
    template = "leaderboard/_feed.html" if "seen" in request.GET else "leaderboard/feed.html"
    return render(request, template, shown)


@require_safe
@cache_control(private=True, no_cache=True)
def feed_text(request: HttpRequest) -> HttpResponse:
    """The same lines as plain text, for a terminal or a script; `?page=2` for older ones."""
    quest = queries.current_quest(request.GET.get("quest", ""), user=request.user)
    if quest is None:
        raise Http404
    seen = visibility_for(quest, request.user)
    etag = etag_of(settings.QUEST_VERSION, quest.pk, queries.snapshot(quest, seen).etag)
    if has_it(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    _, lines = _page(request, seen)
    text = "".join(f"{one}\n" for one in lines)
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers={"ETag": etag})
