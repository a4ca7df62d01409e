"""The desk's courses: create, archive, restore, and start a new term."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from leaderboard.desk.access import for_instructors
from leaderboard.desk.forms import CourseForm
from leaderboard.desk.term_form import TermForm
from submissions.database.write_lock import writing
from submissions.models import Course, DeskEvent
from submissions.quests.terms import start_term
from submissions.requests import UserRequest


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def courses(request: UserRequest) -> HttpResponse:
    """The list of courses, and a form for a new one."""
    form = CourseForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with writing():
            course = form.save()
            DeskEvent.record(DeskEvent.Kind.COURSE_CREATED, user=request.user, subject=course, course=course)
        messages.success(request, _("%(course)s created. Next, import its groups.") % {"course": course})
        return redirect("desk:groups", course.pk)
    counted = Course.objects.annotate(
        teams=Count("groups", distinct=True), rounds=Count("quests", distinct=True)
    ).order_by("archived", "-created_at")
    return render(request, "leaderboard/desk/courses.html", {"form": form, "courses": counted})


@for_instructors
@require_POST
def course_archive(request: UserRequest, pk: int) -> HttpResponse:
    """Archive a course, which makes it read-only, or restore it."""
    course = get_object_or_404(Course, pk=pk)
    archived = request.POST.get("archived") == "1"
    kind = DeskEvent.Kind.COURSE_ARCHIVED if archived else DeskEvent.Kind.COURSE_RESTORED
    with writing():
        Course.objects.filter(pk=pk).update(archived=archived)
        DeskEvent.record(kind, user=request.user, subject=course, course=course)
    words = _("%(course)s is archived and read-only.") if archived else _("%(course)s is restored.")
    messages.success(request, words % {"course": course})
    return redirect("desk:courses")


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def term_new(request: UserRequest, pk: int) -> HttpResponse:
    """A form for a new term, with the quests that it copies."""
    course = get_object_or_404(Course, pk=pk)
    form = TermForm(request.POST if request.method == "POST" else None, course=course)
    if form.is_bound and form.is_valid():
        new = start_term(course, user=request.user, **form.cleaned_data)
        words = _("%(new)s created, with the quests of %(course)s as drafts. Next, import its groups.")
        messages.success(request, words % {"new": new, "course": course})
        return redirect("desk:groups", new.pk)
    context = {"course": course, "form": form, "quests": course.quests.order_by("created_at", "pk")}
    return render(request, "leaderboard/desk/term.html", context)
