"""The feed: the chronicle of the quest, a line a score, newest first, as it was once kept by hand."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from leaderboard import queries
from submissions.api.conditional import etag_of, has_it
from submissions.models import Quest
from submissions.templatetags.quest import score, seconds, stamp

PAGE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """What a group posts: `12/10 11:13> "ITMALGrp17: best: dat=mnist, score=0.97206, model=…, train=7.1 s, …"`."""

    id: int
    at: str
    group: str
    best: bool
    facts: dict[str, str]

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f'{self.at}> "{self.group}: {"best: " if self.best else ""}{facts}"'


def line(row: queries.Posted, quest: Quest) -> Line:
    """The line of a submission as `queries.feed` gives it."""
    attempt = row.score.attempt
    facts = {
        "dat": quest.dataset,
        "score": score(row.accuracy),
        "model": row.headline,
        "train": seconds(attempt.train_s),
        "predict": seconds(attempt.predict_s),
        "hw": attempt.hardware_label,
    }
    return Line(row.pk, stamp(row.finished_at, quest), row.owner_name, row.improved, facts)


def _page(request: HttpRequest, quest: Quest) -> tuple[Page[queries.Posted], list[Line]]:
    page = Paginator(queries.feed(quest), PAGE).get_page(request.GET.get("page"))
    return page, [line(row, quest) for row in page]


@require_safe
@never_cache
def feed_page(request: HttpRequest) -> HttpResponse:
    """The feed whole; or, polled with `?seen=`, its live part, and 204 while nothing has changed."""
    quests = queries.published_quests(request.user)
    quest = queries.chosen(quests, request.GET.get("quest", ""))
    if quest is None:
        return render(request, "leaderboard/no_quest.html")
    pulse, seen = queries.pulse(quest), request.GET.get("seen")
    if seen == pulse.beat:
        return HttpResponse(status=204)
    page, lines = _page(request, quest)
    shown = {"quest": quest, "quests": quests, "pulse": pulse, "page": page, "lines": lines}
    shown |= {"newer": f"quest={quest.pk}&page={page.number - 1}", "older": f"quest={quest.pk}&page={page.number + 1}"}
    template = "leaderboard/feed.html" if seen is None else "leaderboard/_feed.html"
    return render(request, template, shown)


@require_safe
@cache_control(private=True, no_cache=True)
def feed_text(request: HttpRequest) -> HttpResponse:
    """The same lines as plain text, for a terminal or a script; `?page=2` for older ones."""
    quest = queries.current_quest(request.GET.get("quest", ""), user=request.user)
    if quest is None:
        raise Http404
    etag = etag_of(settings.QUEST_VERSION, quest.pk, queries.pulse(quest).beat)
    if has_it(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    _, lines = _page(request, quest)
    text = "".join(f"{one}\n" for one in lines)
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers={"ETag": etag})
