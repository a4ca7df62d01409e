"""The board for a projector: readable from eight metres, operated by nobody, and showing only public information."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from leaderboard.charts.figure import Figure
from leaderboard.charts.gallery import CHARTS, subject
from leaderboard.live_pages import live_page
from leaderboard.ranking import feed_lines, movement, queries
from submissions.quests.visibility import Visibility, visibility_for

ROWS = 8  # at the size that can be read from eight metres; one less below the news of a record
FEW_ROWS = 6  # leave room for a second line of each model
SHORT_NAME = 11  # characters of a group's name that fit a narrow column
LINES = 5
PANES = ("board", "feed", *CHARTS)
RECORD_SHOWN_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RecordNews:
    """The best public score of the quest, shown for some minutes after it came in."""

    group: str
    score: float | None


def wall_page(request: HttpRequest) -> HttpResponse:
    """The wall, which polls itself. It shows public information whoever is logged in at the projector."""
    quest = queries.current_quest(request.GET.get("quest", ""))
    if quest is None:
        response = render(request, "leaderboard/no_quest.html")
        add_never_cache_headers(response)
        return response
    visibility = visibility_for(quest, None)
    snapshot, news = queries.snapshot(quest, visibility), record_news(visibility)
    version = f"{snapshot.etag}-{bool(news):d}"
    common = {"quest": quest, "visibility": visibility, "snapshot": snapshot, "version": version, "record": news}
    return live_page(
        request,
        version=version,
        page="leaderboard/wall.html",
        fragment="leaderboard/_wall.html",
        context=lambda: (
            common
            | _ranking(visibility, with_news=bool(news))
            | _pane(request.GET.get("wall", ""))
            | {"figures": _figures(visibility)}
        ),
    )


def record_news(visibility: Visibility) -> RecordNews | None:
    """The quest's best public score, for `RECORD_SHOWN_FOR` after it came in; None after the reveal."""
    best = None if visibility.quest.is_revealed else queries.record(visibility)
    if best is None or best.finished_at is None or best.finished_at < timezone.now() - RECORD_SHOWN_FOR:
        return None
    return RecordNews(visibility.name(best.group), best.accuracy)


def _ranking(visibility: Visibility, *, with_news: bool) -> dict[str, Any]:
    """The first rows of board and feed; one less of each where the news of a record takes its place."""
    quest = visibility.quest
    rows = list(queries.board(quest, visibility=visibility)[: ROWS - with_news])
    newest = queries.feed(quest, visibility=visibility)[: LINES - with_news]
    return {
        "rows": rows,
        "roomy": len(rows) <= FEW_ROWS - with_news,
        "short_names": all(len(visibility.name(row.group)) <= SHORT_NAME for row in rows),
        "movements": movement.movements(rows, movement.ranks_before(quest, visibility)),
        "by_private": queries.ranks_by_private(quest),
        "lines": [feed_lines.feed_line(row, visibility) for row in newest],
    }


def _pane(asked: str) -> dict[str, Any]:
    """The pane to show, and the next one for a page without scripts."""
    pane = asked if asked in PANES else PANES[0]
    return {"pane": pane, "next_pane": PANES[(PANES.index(pane) + 1) % len(PANES)]}


def _figures(visibility: Visibility) -> list[Figure]:
    """The charts, for the sentence above each; none before there are scores."""
    about = subject(visibility.quest, visibility, QueryDict())
    return [figure(about) for figure in CHARTS.values()] if about.runs else []
