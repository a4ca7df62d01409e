"""The desk's first page: every submission, the ranking, and what an instructor may do to a submission."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from leaderboard import exports, queries
from leaderboard.desk_access import back, for_instructors
from leaderboard.desk_listing import SORTS, Wanted, choices, pulse, with_runs
from submissions import intake, moves, reruns
from submissions.models import Quest, State, Submission
from submissions.visibility import sight
from submissions.visitors import UserRequest

PAGE = 100
CHUNK = 500  # rows that an export holds at a time


@for_instructors
@require_safe
@never_cache
def submissions(request: UserRequest) -> HttpResponse:
    """Every submission; or, polled with `?seen=`, the table, and 204 while nothing has changed."""
    now, seen = pulse(), request.GET.get("seen")
    if seen == now.beat:
        return HttpResponse(status=204)
    wanted = Wanted.read(request.GET)
    page = Paginator(wanted.rows(), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "pulse": now,
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

    def __init__(self, wanted: Wanted, name: str) -> None:
        self.order = {name: "ascending", f"-{name}": "descending"}.get(wanted.sort, "")
        self.query = wanted.query(sort=name if self.order == "descending" else f"-{name}")


@for_instructors
@require_safe
def submissions_export(request: UserRequest, ending: str) -> HttpResponseBase:
    """What the filters show, all pages of it."""
    wanted = Wanted.read(request.GET)
    rows = wanted.rows().iterator(chunk_size=CHUNK)
    quest = Quest.objects.filter(pk=wanted.quest).first() if wanted.quest else None
    name = exports.file_name("submissions", quest)
    if ending == "json":
        return exports.as_json(map(exports.with_spec, rows), name)
    return exports.as_csv(map(exports.record, rows), exports.COLUMNS, name)


@for_instructors
@require_safe
@never_cache
def ranking(request: UserRequest) -> HttpResponse:
    """The ranking of a quest with all its times; polled as the board is."""
    quest = _quest(request)
    if quest is None:
        return render(request, "leaderboard/desk/no_quest.html")
    now, seen = queries.pulse(quest, sight(quest, request.user)), request.GET.get("seen")
    if seen == now.beat:
        return HttpResponse(status=204)
    show_all = request.GET.get("show") == "all"
    here = {"quest": quest.pk} | ({"show": "all"} if show_all else {})
    page = Paginator(_ranked(request, quest, show_all), PAGE).get_page(request.GET.get("page"))
    context = {
        "quest": quest,
        "pulse": now,
        "page": page,
        "show_all": show_all,
        "by_private": queries.ranks_by_private(quest),
        "query": urlencode(here),
        "here": urlencode(here | {"page": page.number}),
        "newer": urlencode(here | {"page": page.number - 1}),
        "older": urlencode(here | {"page": page.number + 1}),
    }
    if seen is not None:
        return render(request, "leaderboard/desk/_ranking.html", context)
    return render(request, "leaderboard/desk/ranking.html", context | {"quests": queries.published_quests()})


@for_instructors
@require_safe
def ranking_export(request: UserRequest, ending: str) -> HttpResponseBase:
    """The ranking, the best of each group or all, without an end."""
    quest = _quest(request)
    if quest is None:
        raise Http404
    rows = _ranked(request, quest, request.GET.get("show") == "all").iterator(chunk_size=CHUNK)
    name, records = exports.file_name("ranking", quest), map(exports.ranked, rows)
    return exports.as_json(records, name) if ending == "json" else exports.as_csv(records, exports.RANKED_COLUMNS, name)


def _quest(request: UserRequest) -> Quest | None:
    return queries.current_quest(request.GET.get("quest", ""), user=request.user)


def _ranked(request: UserRequest, quest: Quest, show_all: bool) -> QuerySet[Submission]:
    """As instructors see it, also while the board is frozen for everybody else."""
    return with_runs(queries.board(quest, seen=sight(quest, request.user), best=not show_all))


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: UserRequest, pk: int) -> HttpResponse:
    """Asks for a reason; a POST cancels."""
    submission = _one(pk)
    if request.method != "POST":
        return _asked(request, submission, "cancel")
    try:
        now = moves.cancel(submission, user=request.user, reason=_reason(request))
    except moves.MoveRefused as refused:
        messages.error(request, str(refused))
    else:
        ended = now == State.CANCELLED
        words = _("Submission %(id)s is cancelled.") if ended else _("Submission %(id)s is stopping.")
        messages.success(request, words % {"id": pk})
    return redirect(back(request, reverse("desk:submissions")))


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def rerun(request: UserRequest, pk: int) -> HttpResponse:
    """Asks for a reason; a POST queues the same model once more."""
    submission = _one(pk)
    if request.method != "POST":
        return _asked(request, submission, "rerun")
    try:
        again = reruns.rerun(submission, user=request.user, reason=_reason(request))
    except intake.Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request, _("Submission %(id)s runs again as submission %(again)s.") % {"id": pk, "again": again.pk}
        )
    return redirect(back(request, reverse("desk:submissions")))


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def count(request: UserRequest, pk: int) -> HttpResponse:
    """Asks for a reason; a POST lets this run count, and none of the others of the same submission."""
    submission = _one(pk)
    if request.method != "POST":
        return _asked(request, submission, "count")
    try:
        reruns.choose(submission, user=request.user, reason=_reason(request))
    except intake.Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Submission %(id)s is the run that counts.") % {"id": pk})
    return redirect(back(request, reverse("submissions:detail", args=[pk])))


def _one(pk: int) -> Submission:
    return get_object_or_404(with_runs(Submission.objects.all()), pk=pk)


def _asked(request: UserRequest, submission: Submission, what: str) -> HttpResponse:
    context = {"submission": submission, "next": back(request, reverse("desk:submissions"))}
    return render(request, f"leaderboard/desk/{what}.html", context)


def _reason(request: UserRequest) -> str:
    return request.POST.get("reason", "").replace("\0", "").strip()[:500]
