"""The desk's groups: class lists, members, login slips with one-time links, and new groups."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leaderboard.desk.access import for_instructors
from leaderboard.desk.forms import ClassListForm, GroupForm
from submissions.database.write_lock import writing
from submissions.groups.class_list import ImportRefused
from submissions.groups.class_list_import import ImportResult, import_groups
from submissions.groups.lockouts import lockouts
from submissions.groups.login_slips import slip, without_password
from submissions.models import Course, DeskEvent, Group, Membership
from submissions.pages.group import group_url
from submissions.requests import UserRequest


@for_instructors
@require_safe
def newest(request: UserRequest) -> HttpResponse:
    """Redirect to the groups of the newest course."""
    course = Course.objects.order_by("archived", "-created_at").first()
    return redirect("desk:groups", course.pk) if course else redirect("desk:courses")


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: UserRequest, pk: int) -> HttpResponse:
    """A course's groups; a POST imports a class list and shows the changes, or the errors by line."""
    course = get_object_or_404(Course, pk=pk)
    posted = request.method == "POST"
    form = ClassListForm(request.POST, request.FILES) if posted else ClassListForm()
    done: ImportResult | None = None
    refused: ImportRefused | None = None
    if posted and form.is_valid():
        try:
            done = _import(request, course, form)
        except ImportRefused as refusal:
            refused = refusal
    return _page(request, course, form=form, done=done, refused=refused)


def _import(request: UserRequest, course: Course, form: ClassListForm) -> ImportResult:
    with writing():
        done = import_groups(course=course, content=form.content())
        if done.changed:
            DeskEvent.record(DeskEvent.Kind.IMPORTED, user=request.user, subject=course, course=course)
    return done


def _page(request: UserRequest, course: Course, **more: Any) -> HttpResponse:
    context = {
        "course": course,
        "courses": Course.objects.order_by("archived", "-created_at"),
        "form": ClassListForm(),
        "new": GroupForm(course=course),
        "groups": _with_members(course),
        "waiting": without_password(course).count(),
        "lockouts": lockouts(),
        **more,
    }
    return render(request, "leaderboard/desk/groups.html", context)


def _with_members(course: Course) -> QuerySet[Group]:
    members = Membership.objects.select_related("user").order_by("user__username")
    return (
        course.groups.annotate(submitted=Count("submissions"))
        .prefetch_related(Prefetch("memberships", queryset=members))
        .order_by("name")
    )


@for_instructors
@require_safe
@never_cache
def slips(request: UserRequest, pk: int) -> HttpResponse:
    """A page to print: a login slip for each member without a password, or for `?member=` only."""
    course = get_object_or_404(Course, pk=pk)
    members = without_password(course).order_by("group__name", "user__username")
    if member := request.GET.get("member", ""):
        members = members.filter(pk=member) if member.isascii() and member.isdigit() else members.none()
    site = request.build_absolute_uri("/")
    context = {"course": course, "site": site, "slips": [slip(one, base_url=site) for one in members]}
    return render(request, "leaderboard/desk/slips.html", context)


@for_instructors
@require_POST
def group_new(request: UserRequest, pk: int) -> HttpResponse:
    """Create a group that is in no class list. Errors are shown beside its name."""
    course = get_object_or_404(Course.objects.current(), pk=pk)
    form = GroupForm(request.POST, course=course)
    if not form.is_valid():
        return _page(request, course, new=form)
    with writing():
        group = form.save()
        DeskEvent.record(DeskEvent.Kind.GROUP_CREATED, user=request.user, subject=group, course=course)
    messages.success(request, _("%(group)s created. Next, invite its members.") % {"group": group})
    return redirect(group_url(group))
