"""The desk's logins: reset with a one-time link, and unlock after too many wrong passwords."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from leaderboard.desk.access import back, for_instructors
from submissions.database.write_lock import writing
from submissions.groups.lockouts import unlock
from submissions.groups.login_slips import reset_login
from submissions.models import DeskEvent, Membership
from submissions.requests import UserRequest


@for_instructors
@require_POST
def reset(request: UserRequest, pk: int) -> HttpResponse:
    """Remove a member's password and show the new one-time link."""
    membership = get_object_or_404(Membership.objects.select_related("user", "course"), pk=pk)
    if membership.user.is_staff:
        raise Http404  # instructors are invited by `manage.py invite_instructor`
    with writing():
        reset_login(membership.user)
        DeskEvent.record(
            DeskEvent.Kind.LOGIN_RESET, user=request.user, person=membership.user, course=membership.course
        )
    words = _("The password of %(who)s is removed. Hand over this one-time link.")
    messages.success(request, words % {"who": membership.user.username})
    return redirect(f"{reverse('desk:slips', args=[membership.course_id])}?member={pk}")


@for_instructors
@require_POST
def unlock_login(request: UserRequest) -> HttpResponse:
    """End a lockout early: of a username, or of invitation codes."""
    username = request.POST.get("username", "").replace("\0", "")[:255]
    if unlock(username, user=request.user):
        messages.success(request, _("Unlocked: they can try again now."))
    else:
        messages.error(request, _("Nothing is locked now."))
    return redirect(back(request, reverse("desk:newest_groups")))
