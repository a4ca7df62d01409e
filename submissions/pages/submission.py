"""The list of a group's submissions, and a submission's page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from submissions.forms.notes import NoteForm
from submissions.forms.request_examples import model_formats
from submissions.models import Quest, State, Submission
from submissions.models.submission import SubmissionQuerySet
from submissions.pages.live_run import RunView, run_view, version_of_rows
from submissions.pages.mistakes_table import insight_context, mistakes_table
from submissions.quests.readers import SubmissionView, submission_view
from submissions.queue import lifecycle
from submissions.requests import UserRequest, logged_in, number

PER_PAGE = 50


def _listed_submissions(request: UserRequest) -> SubmissionQuerySet:
    """The visitor's groups' submissions. Instructors see only their own here, and all others at the desk."""
    if request.user.is_staff:
        return Submission.objects.filter(submitter=request.user)
    return Submission.objects.visible_to(request.user)


def _submission_view(request: UserRequest, pk: int) -> SubmissionView:
    view = submission_view(pk, request.user)
    if view is None:
        raise Http404
    return view


def _with_full_access(request: UserRequest, pk: int) -> Submission:
    """A submission of the visitor or their group, or any for an instructor; otherwise 404."""
    view = _submission_view(request, pk)
    if not view.full_access:
        raise Http404
    return view.submission


@logged_in
@require_safe
def submission_list(request: UserRequest) -> HttpResponse:
    """The group's submissions; htmx gets only the table, or 204 if it has not changed."""
    page = _page(request)
    version = version_of_rows(list(page))
    if request.htmx and request.GET.get("seen") == version:
        return HttpResponse(status=204)
    quests = Quest.objects.filter(pk__in=_listed_submissions(request).values("quest")).order_by("-created_at")
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
    wanted = _listed_submissions(request).with_runs()
    if state := _state(request):
        wanted = wanted.filter(state=state)
    if quest := number(request.GET.get("quest", "")):
        wanted = wanted.filter(quest=quest)
    return Paginator(wanted.order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))


@logged_in
@require_safe
def detail(request: UserRequest, pk: int) -> HttpResponse:
    """The page; htmx gets only the misclassified images, filtered."""
    view = _submission_view(request, pk)
    if request.htmx and not request.htmx.history_restore_request:
        errors = mistakes_table(view.submission, request.GET)
        fragment = "submissions/_errors.html" if errors else "submissions/_errors_missing.html"
        return render(request, fragment, {"submission": view.submission, "errors": errors})
    return _render_detail(request, view, NoteForm(view.submission))


@logged_in
@require_GET
def live(request: UserRequest, pk: int) -> HttpResponse:
    """The live part of the page and the tab's title; 204 if nothing has changed."""
    view = _submission_view(request, pk)
    if not view.full_access:
        raise Http404
    current = run_view(view.submission)
    if request.GET.get("seen") == current.version:
        return HttpResponse(status=204)
    return render(request, "submissions/live.html", _live_context(request, view, current))


def _render_detail(
    request: UserRequest, view: SubmissionView, note_form: NoteForm, *, status: int = 200
) -> HttpResponse:
    submission = view.submission
    chosen = {"device": submission.device, "engine": submission.engine}
    context = {
        **_live_context(request, view, run_view(submission)),
        "note_form": note_form if note_form.may_be_used_by(request.user) else None,
        "reruns": submission.reruns.order_by("id") if view.full_access else [],
        "formats": model_formats(submission.model, submission.quest, service=request.build_absolute_uri("/"), **chosen),
    }
    return render(request, "submissions/detail.html", context, status=status)


def _live_context(request: UserRequest, view: SubmissionView, current: RunView) -> dict[str, Any]:
    """The context of the live part of the page."""
    submission = view.submission
    return {
        "submission": submission,
        "view": view,
        "run_view": current,
        "errors": mistakes_table(submission, request.GET),
        **insight_context(submission),
    }


@logged_in
@require_POST
def cancel(request: UserRequest, pk: int) -> HttpResponse:
    submission = _with_full_access(request, pk)
    try:
        lifecycle.cancel(submission, user=request.user)
    except lifecycle.MoveRefused as refused:
        messages.error(request, str(refused))
    return redirect("submissions:detail", submission.pk)


@logged_in
@require_POST
def note(request: UserRequest, pk: int) -> HttpResponse:
    """Save the group's note."""
    submission = _with_full_access(request, pk)
    form = NoteForm(submission, request.POST)
    if not form.may_be_used_by(request.user):
        raise Http404
    if not form.is_valid():
        return _render_detail(request, _submission_view(request, pk), form, status=400)
    form.save()
    messages.success(request, _("Note saved."))
    return redirect("submissions:detail", submission.pk)
