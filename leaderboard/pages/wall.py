"""The board on a wall: readable from eight metres, without a hand on it, and always as anybody may see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone

from leaderboard.charts.figure import Figure
from leaderboard.charts.gallery import CHARTS, subject
from leaderboard.ranking import feed_lines, movement, queries
from submissions.quests.visibility import Visibility, visibility_for

ROWS = 8  # at the size that can be read from eight metres; one less below the news of a record
FEW = 6  # rows that leave room for a second line of each model
SHORT = 11  # characters of a group's name that need no wide column
LINES = 5
PANES = ("board", "feed", *CHARTS)
RECORD_STANDS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Record:
    """The best public score of the quest, while it is news."""

    group: str
    score: float | None


def wall_page(request: HttpRequest) -> HttpResponse:
    """The wall whole; or, polled with `?seen=`, its live part, and 204 while nothing has changed.

    Whoever is logged in on the computer at the projector: what it shows is for everybody.
    """
    quest = queries.current_quest(request.GET.get("quest", ""))
    if quest is None:
        return render(request, "leaderboard/no_quest.html")
    seen = visibility_for(quest, None)
    snapshot, news = queries.snapshot(quest, seen), record(seen)
    version = f"{snapshot.etag}-{bool(news):d}"
    if request.GET.get("seen") == version:
        return HttpResponse(status=204)
    template = "leaderboard/_wall.html" if "seen" in request.GET else "leaderboard/wall.html"
    context = {"quest": quest, "visibility": seen, "snapshot": snapshot, "version": version, "record": news}
    context |= _standing(seen, less=bool(news)) | _pane(request.GET.get("wall", "")) | {"figures": _figures(seen)}
    return render(request, template, context)


def record(seen: Visibility) -> Record | None:
    """The quest's best public score, for some minutes after it came in; never once the final ranking is there."""
    best = None if seen.quest.is_revealed else queries.record(seen)
    if best is None or best.finished_at is None or best.finished_at < timezone.now() - RECORD_STANDS:
        return None
    return Record(seen.name(best.group), best.accuracy)


def _standing(seen: Visibility, *, less: bool) -> dict[str, Any]:
    rows = list(queries.board(seen.quest, seen=seen)[: ROWS - less])
    return {
        "rows": rows,
        "roomy": len(rows) <= FEW - less,
        "short_names": all(len(seen.name(row.group)) <= SHORT for row in rows),
        "movements": movement.movements(rows, movement.ranks_before(seen.quest, seen)),
        "by_private": queries.ranks_by_private(seen.quest),
        "lines": [feed_lines.feed_line(row, seen) for row in queries.feed(seen.quest, seen=seen)[: LINES - less]],
    }


def _pane(asked: str) -> dict[str, Any]:
    """The pane that is shown, and the one that a page without scripts goes on to."""
    pane = asked if asked in PANES else PANES[0]
    return {"pane": pane, "next_pane": PANES[(PANES.index(pane) + 1) % len(PANES)]}


def _figures(seen: Visibility) -> list[Figure]:
    """The charts, for the sentence that stands above each; none before there are scores."""
    about = subject(seen.quest, seen, QueryDict())
    return [draw(about) for draw in CHARTS.values()] if about.runs else []
