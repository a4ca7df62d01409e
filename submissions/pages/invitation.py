"""Inviting students to a group, and joining one by link or code with an existing or a new account."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from submissions.database.write_lock import writing
from submissions.forms.account_form import AccountForm
from submissions.groups.invitations import (
    InvitationRefused,
    find,
    invite,
    join,
    join_refusal,
    read_code,
    revoke,
    spaced,
)
from submissions.groups.lockouts import may_try_codes, record_wrong_code
from submissions.models import Group, Invitation, Membership, User
from submissions.pages.group import empty_token_form, group_url, has_full_access, render_group_page
from submissions.requests import PageRequest, UserRequest, logged_in

BACKEND = "django.contrib.auth.backends.ModelBackend"
TOO_MANY = 429


@logged_in
@require_POST
@never_cache
def invitation_create(request: UserRequest, pk: int) -> HttpResponse:
    """Create an invitation. Its link and code are shown only in this response."""
    group = _group(request, pk)
    try:
        code = invite(group, user=request.user)
    except InvitationRefused as refused:
        messages.error(request, str(refused))
        return redirect(group_url(group))
    addresses = {"link": reverse("submissions:join", args=[code]), "page": reverse("submissions:join_by_code")}
    invited = {name: request.build_absolute_uri(path) for name, path in addresses.items()} | {"code": code}
    return render_group_page(request, group, empty_token_form(), invited=invited)


@logged_in
@require_POST
def invitation_revoke(request: UserRequest, pk: int, invitation: int) -> HttpResponse:
    group = _group(request, pk)
    if revoke(get_object_or_404(Invitation, pk=invitation, group=group)):
        messages.success(request, _("Invitation revoked: nobody can join with it any more."))
    else:
        messages.error(request, _("Someone has already joined with that invitation."))
    return redirect(group_url(group))


def _group(request: UserRequest, pk: int) -> Group:
    """The group, if the user may invite to it (members and instructors); otherwise 404."""
    group = get_object_or_404(Group.objects.select_related("course"), pk=pk)
    if not has_full_access(request.user, group):
        raise Http404
    return group


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def join_by_code(request: PageRequest) -> HttpResponse:
    """Ask for a code; a POST redirects to its invitation."""
    if request.method != "POST":
        return render(request, "submissions/join.html")
    typed = request.POST.get("code", "").replace("\0", "").strip()[:60]
    code = read_code(typed)
    if code is None:
        return render(request, "submissions/join.html", {"typed": typed, "wrong": True})
    return redirect("submissions:join", spaced(code))


@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def join_page(request: PageRequest, code: str) -> HttpResponse:
    """Show the invitation; a POST joins with the visitor's account or with the new one from the form."""
    if not may_try_codes(request):
        return render(request, "registration/locked_out.html", status=TOO_MANY)
    read = read_code(code)
    invitation = find(read) if read else None
    if invitation is None:
        if read:
            record_wrong_code(request)
        return render(request, "submissions/join.html", {"dead": True}, status=404)
    form = None if request.user.is_authenticated else AccountForm(request.POST or None)
    if request.method == "POST" and (membership := _try_to_join(request, invitation, form)):
        messages.success(request, _("Welcome to %(group)s.") % {"group": membership.group})
        return redirect(group_url(membership.group))
    reason = join_refusal(invitation, request.user) if isinstance(request.user, User) else ""
    context = {"invitation": invitation, "group": invitation.group, "form": form, "reason": reason}
    return render(request, "submissions/invitation.html", context)


def _try_to_join(request: PageRequest, invitation: Invitation, form: AccountForm | None) -> Membership | None:
    """The new membership. If joining is refused, show the reason and return None."""
    try:
        if isinstance(request.user, User):
            return join(invitation, user=request.user)
        return _join_with_new_account(request, invitation, form) if form and form.is_valid() else None
    except InvitationRefused as refused:
        messages.error(request, str(refused))
        return None


def _join_with_new_account(request: PageRequest, invitation: Invitation, form: AccountForm) -> Membership:
    """Create the account and the membership together, or neither."""
    person = form.save(commit=False)  # hashing the password is slow, so do it before taking the lock
    with writing():
        person.save()
        membership = join(invitation, user=person)
    login(request, person, backend=BACKEND)
    return membership
