"""An instructor's actions on a submission: GET asks for confirmation and a reason, which is shown to the group."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from leaderboard.desk.access import back, for_instructors
from leaderboard.ranking.rows import with_runs
from submissions.intake import disqualification as verdicts
from submissions.intake import reruns
from submissions.models import State, Submission
from submissions.quests.refusal import Refused
from submissions.queue import lifecycle
from submissions.requests import UserRequest


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: UserRequest, pk: int) -> HttpResponse:
    """POST cancels the submission."""
    submission = _submission(pk)
    if request.method != "POST":
        return _confirmation_page(request, submission, "cancel")
    try:
        now = lifecycle.cancel(submission, user=request.user, reason=_reason(request))
    except lifecycle.MoveRefused as refused:
        messages.error(request, str(refused))
    else:
        ended = now == State.CANCELLED
        words = _("Submission %(id)s is cancelled.") if ended else _("Submission %(id)s is being cancelled.")
        messages.success(request, words % {"id": pk})
    return redirect(back(request, reverse("desk:submissions")))


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def rerun(request: UserRequest, pk: int) -> HttpResponse:
    """POST queues the same model as a new submission."""
    submission = _submission(pk)
    if request.method != "POST":
        return _confirmation_page(request, submission, "rerun")
    try:
        again = reruns.rerun(submission, user=request.user, reason=_reason(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request, _("Submission %(id)s is re-run as submission %(again)s.") % {"id": pk, "again": again.pk}
        )
    return redirect(back(request, reverse("desk:submissions")))


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def count(request: UserRequest, pk: int) -> HttpResponse:
    """POST makes this run count instead of the other runs of the same submission."""
    submission = _submission(pk)
    if request.method != "POST":
        return _confirmation_page(request, submission, "count")
    try:
        reruns.choose(submission, user=request.user, reason=_reason(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Submission %(id)s is the run that counts.") % {"id": pk})
    return redirect(back(request, reverse("submissions:detail", args=[pk])))


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def disqualify(request: UserRequest, pk: int) -> HttpResponse:
    """POST disqualifies the submission, or with `reinstate=1` reinstates it."""
    submission = _submission(pk)
    if request.method != "POST":
        return _confirmation_page(request, submission, "disqualify")
    reinstating = request.POST.get("reinstate") == "1"
    try:
        (verdicts.reinstate if reinstating else verdicts.disqualify)(
            submission, user=request.user, reason=_reason(request)
        )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        words = _("Submission %(id)s is reinstated.") if reinstating else _("Submission %(id)s is disqualified.")
        messages.success(request, words % {"id": pk})
    return redirect(back(request, reverse("desk:submissions")))


def _submission(pk: int) -> Submission:
    return get_object_or_404(with_runs(Submission.objects.all()), pk=pk)


def _confirmation_page(request: UserRequest, submission: Submission, action: str) -> HttpResponse:
    context = {"submission": submission, "next": back(request, reverse("desk:submissions"))}
    return render(request, f"leaderboard/desk/{action}.html", context)


def _reason(request: UserRequest) -> str:
    return request.POST.get("reason", "").replace("\0", "").strip()[:500]
