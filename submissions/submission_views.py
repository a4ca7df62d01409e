"""The list of a group's submissions, and the page of one."""

from __future__ import annotations

import json

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from submissions import moves
from submissions.follow import follow, version_of_rows
from submissions.models import Quest, State, Submission
from submissions.models.submission import SubmissionQuerySet
from submissions.visitors import UserRequest, logged_in, number

PER_PAGE = 50


def _own(request: UserRequest) -> SubmissionQuerySet:
    """Those that the list holds: the visitor's groups' – and an instructor's own, who sees the others at the desk."""
    if request.user.is_staff:
        return Submission.objects.filter(submitter=request.user)
    return Submission.objects.visible_to(request.user)


def _one(request: UserRequest, pk: int) -> Submission:
    whole = Submission.objects.visible_to(request.user).select_related(
        "quest", "group__course", "submitter", "score", "rerun_of"
    )
    return get_object_or_404(whole, pk=pk)


@logged_in
@require_safe
def submission_list(request: UserRequest) -> HttpResponse:
    """The group's submissions; asked by htmx with what it has seen, 204 if that is still right."""
    page = _page(request)
    version = version_of_rows(list(page))
    if request.htmx and request.GET.get("seen") == version:
        return HttpResponse(status=204)
    quests = Quest.objects.filter(pk__in=_own(request).values("quest")).order_by("-created_at")
    query = request.GET.copy()
    query.pop("seen", None)
    context = {
        "page": page,
        "version": version,
        "query": query.urlencode(),
        "states": State.choices,
        "state": _state(request),
        "quests": quests,
        "zones": sorted({quest.time_zone for quest in quests}),
        "quest_id": request.GET.get("quest", ""),
    }
    return render(request, "submissions/_table.html" if request.htmx else "submissions/list.html", context)


def _state(request: UserRequest) -> str:
    state = request.GET.get("state", "")
    return state if state in State.values else ""


def _page(request: UserRequest) -> Page[Submission]:
    wanted = _own(request).with_runs()
    if state := _state(request):
        wanted = wanted.filter(state=state)
    if quest := number(request.GET.get("quest", "")):
        wanted = wanted.filter(quest=quest)
    return Paginator(wanted.order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))


@logged_in
@require_safe
def detail(request: UserRequest, pk: int) -> HttpResponse:
    submission = _one(request, pk)
    context = {
        "submission": submission,
        "following": follow(submission),
        "spec_json": json.dumps(submission.spec, indent=2),
        "reruns": submission.reruns.order_by("id"),
    }
    return render(request, "submissions/detail.html", context)


@logged_in
@require_GET
def live(request: UserRequest, pk: int) -> HttpResponse:
    """The part of the page that changes; 204 if what was seen is still right."""
    submission = _one(request, pk)
    following = follow(submission)
    if request.GET.get("seen") == following.version:
        return HttpResponse(status=204)
    return render(request, "submissions/_live.html", {"submission": submission, "following": following})


@logged_in
@require_POST
def cancel(request: UserRequest, pk: int) -> HttpResponse:
    submission = _one(request, pk)
    try:
        moves.cancel(submission, user=request.user)
    except moves.MoveRefused as refused:
        messages.error(request, str(refused))
    return redirect("submissions:detail", submission.pk)
