"""Pages that poll themselves: the whole page first, then its live part whenever something has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from leaderboard.ranking import queries
from submissions.quests.visibility import Visibility, visibility_for

Context = dict[str, Any]


def live_page(
    request: HttpRequest, *, version: str, page: str, fragment: str, context: Callable[[], Context]
) -> HttpResponse:
    """The template `page`; or, polled with `?seen=VERSION`, the template `fragment`, and 204 for the same `version`.

    `version` must differ whenever the fragment would. `context` is called only where something is rendered.
    """
    seen = request.GET.get("seen")
    if seen == version:
        response = HttpResponse(status=204)
    else:
        response = render(request, page if seen is None else fragment, context())
    add_never_cache_headers(response)
    return response


def live_quest_page(
    request: HttpRequest,
    *,
    page: str,
    fragment: str,
    context: Callable[[Visibility], Context],
    no_quest: str = "leaderboard/no_quest.html",
) -> HttpResponse:
    """A live page about the quest in `?quest=`, else about the visitor's current one; `no_quest` if there is none."""
    quests = queries.published_quests(request.user)
    quest = queries.chosen(quests, request.GET.get("quest", ""), request.user)
    if quest is None:
        response = render(request, no_quest)
        add_never_cache_headers(response)
        return response
    visibility = visibility_for(quest, request.user)
    snapshot = queries.snapshot(quest, visibility)
    common = {"quest": quest, "quests": quests, "visibility": visibility, "snapshot": snapshot}
    return live_page(
        request,
        version=snapshot.etag,
        page=page,
        fragment=fragment,
        context=lambda: common | context(visibility),
    )
