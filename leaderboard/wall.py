"""The board on a wall: readable from eight metres, without a hand on it, and always as anybody may see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from leaderboard import feed, movement, queries
from leaderboard.charts.gallery import CHARTS
from submissions.visibility import Sight, sight

ROWS = 8  # at the size that can be read from eight metres; one less below the news of a record
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
    seen = sight(quest, None)
    pulse, news = queries.pulse(quest, seen), record(seen)
    version = f"{pulse.beat}-{bool(news):d}"
    if request.GET.get("seen") == version:
        return HttpResponse(status=204)
    template = "leaderboard/_wall.html" if "seen" in request.GET else "leaderboard/wall.html"
    context = {"quest": quest, "sight": seen, "pulse": pulse, "version": version, "record": news}
    return render(request, template, context | _standing(seen, less=bool(news)) | _pane(request.GET.get("wall", "")))


def record(seen: Sight) -> Record | None:
    """The quest's best public score, for some minutes after it came in; never once the final ranking is there."""
    best = None if seen.quest.is_revealed else queries.record(seen)
    if best is None or best.finished_at is None or best.finished_at < timezone.now() - RECORD_STANDS:
        return None
    return Record(seen.name(best.group), best.accuracy)


def _standing(seen: Sight, *, less: bool) -> dict[str, Any]:
    rows = list(queries.board(seen.quest, seen=seen)[: ROWS - less])
    return {
        "rows": rows,
        "movements": movement.movements(rows, movement.ranks_before(seen.quest, seen)),
        "by_private": queries.ranks_by_private(seen.quest),
        "lines": [feed.line(row, seen) for row in queries.feed(seen.quest, seen=seen)[: LINES - less]],
    }


def _pane(asked: str) -> dict[str, Any]:
    """The pane that is shown, and the one that a page without scripts goes on to."""
    pane = asked if asked in PANES else PANES[0]
    return {"pane": pane, "next_pane": PANES[(PANES.index(pane) + 1) % len(PANES)], "charts": list(CHARTS)}
