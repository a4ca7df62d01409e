"""What an instructor may do to a submission: each is asked once more, with a reason that the group reads."""

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
    """Asks for a reason; a POST cancels."""
    submission = _one(pk)
    if request.method != "POST":
        return _asked(request, submission, "cancel")
    try:
        now = lifecycle.cancel(submission, user=request.user, reason=_reason(request))
    except lifecycle.MoveRefused as refused:
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
    except Refused as refused:
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
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Submission %(id)s is the run that counts.") % {"id": pk})
    return redirect(back(request, reverse("submissions:detail", args=[pk])))


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def disqualify(request: UserRequest, pk: int) -> HttpResponse:
    """Asks for a reason; a POST disqualifies – or, of what is disqualified, takes that back."""
    submission = _one(pk)
    if request.method != "POST":
        return _asked(request, submission, "disqualify")
    back_in = request.POST.get("reinstate") == "1"
    try:
        (verdicts.reinstate if back_in else verdicts.disqualify)(submission, user=request.user, reason=_reason(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        words = _("Submission %(id)s is reinstated.") if back_in else _("Submission %(id)s is disqualified.")
        messages.success(request, words % {"id": pk})
    return redirect(back(request, reverse("desk:submissions")))


def _one(pk: int) -> Submission:
    return get_object_or_404(with_runs(Submission.objects.all()), pk=pk)


def _asked(request: UserRequest, submission: Submission, what: str) -> HttpResponse:
    context = {"submission": submission, "next": back(request, reverse("desk:submissions"))}
    return render(request, f"leaderboard/desk/{what}.html", context)


def _reason(request: UserRequest) -> str:
    return request.POST.get("reason", "").replace("\0", "").strip()[:500]
