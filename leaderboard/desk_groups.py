"""The desk's groups: class lists, members, slips with one-time links, and logins that are reset."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Prefetch, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leaderboard.desk_access import for_instructors
from leaderboard.desk_forms import ClassListForm
from submissions.group_file import ImportRefused
from submissions.group_import import Imported, import_groups
from submissions.models import Course, Group, Membership
from submissions.slips import reset_login, slip, without_password
from submissions.visitors import UserRequest


@for_instructors
@require_safe
def newest(request: UserRequest) -> HttpResponse:
    """The groups of the newest course."""
    course = Course.objects.order_by("archived", "-created_at").first()
    return redirect("desk:groups", course.pk) if course else redirect("desk:courses")


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: UserRequest, pk: int) -> HttpResponse:
    """A course's groups; a POST imports a class list and shows what came of it, or what is wrong by line."""
    course = get_object_or_404(Course, pk=pk)
    posted = request.method == "POST"
    form = ClassListForm(request.POST, request.FILES) if posted else ClassListForm()
    done: Imported | None = None
    refused: ImportRefused | None = None
    if posted and form.is_valid():
        try:
            done = import_groups(course=course, content=form.content())
        except ImportRefused as refusal:
            refused = refusal
    context = {
        "course": course,
        "courses": Course.objects.order_by("archived", "-created_at"),
        "form": form,
        "done": done,
        "refused": refused,
        "groups": _with_members(course),
        "waiting": without_password(course).count(),
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
    """A page to print: a slip for each member who has set no password, or for `?member=` alone."""
    course = get_object_or_404(Course, pk=pk)
    members = without_password(course).order_by("group__name", "user__username")
    if member := request.GET.get("member", ""):
        members = members.filter(pk=member) if member.isascii() and member.isdigit() else members.none()
    site = request.build_absolute_uri("/")
    context = {"course": course, "site": site, "slips": [slip(one, base_url=site) for one in members]}
    return render(request, "leaderboard/desk/slips.html", context)


@for_instructors
@require_POST
def reset(request: UserRequest, pk: int) -> HttpResponse:
    """Take a member's password away and show the new one-time link."""
    membership = get_object_or_404(Membership.objects.select_related("user"), pk=pk)
    if membership.user.is_staff:
        raise Http404  # instructors are invited by `manage.py invite_instructor`
    reset_login(membership.user)
    words = _("%(who)s has no password now: hand over this one-time link.")
    messages.success(request, words % {"who": membership.user.username})
    return redirect(f"{reverse('desk:slips', args=[membership.course_id])}?member={pk}")
