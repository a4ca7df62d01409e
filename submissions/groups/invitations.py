"""One-time invitations to a group. The code is shown once; only its digest is stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.models import Group, Invitation, Membership, User

VALID_FOR = timedelta(days=14)
MAX_OPEN = 20  # of one group
CODE_LENGTH = 16
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 5 bits each; without characters that are easily confused


class InvitationRefused(Exception):
    """Nobody is invited, or this person may not join, for the reason given."""


def invite(group: Group, *, user: User) -> str:
    """Create an invitation to `group`; returns its code, which is not stored."""
    if group.course.archived:
        words = _("%(course)s is archived: its groups stay as they are.")
        raise InvitationRefused(words % {"course": group.course})
    code = "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))
    with writing():
        if open_invitations(group).count() >= MAX_OPEN:
            words = _("%(group)s has %(count)s open invitations. Revoke those that are not needed.")
            raise InvitationRefused(words % {"group": group, "count": MAX_OPEN})
        Invitation.objects.create(
            group=group, digest=_digest(code), created_by=user, expires_at=timezone.now() + VALID_FOR
        )
    return spaced(code)


def open_invitations(group: Group) -> QuerySet[Invitation]:
    """The group's invitations that can still be used."""
    return group.invitations.filter(used_at=None, expires_at__gt=timezone.now())


def read_code(text: str) -> str | None:
    """The code in `text`, in any case, with or without hyphens and spaces; None if it is not one."""
    code = text.upper().replace("-", "").replace(" ", "").strip()
    return code if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) else None


def spaced(code: str) -> str:
    """The code with a hyphen after every four characters, for display."""
    return "-".join(code[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def find(code: str) -> Invitation | None:
    """The open invitation with this code, in the form returned by `read_code`."""
    known = Invitation.objects.select_related("group__course", "created_by").filter(
        digest=_digest(code), used_at=None, expires_at__gt=timezone.now(), group__course__archived=False
    )
    return known.first()


def join_refusal(invitation: Invitation, user: User) -> str:
    """A sentence that says why `user` may not use this invitation; empty if they may."""
    if user.is_staff:
        return _("Instructors are in no group: they submit out of competition.")
    group = user.group_in(invitation.group.course)
    if group is None:
        return ""
    if group == invitation.group:
        words = _("You are already in %(group)s. The invitation stays open for somebody else.")
    else:
        words = _("You are already in %(group)s. You can be in only one group per course; an instructor can move you.")
    return words % {"group": group}


def join(invitation: Invitation, *, user: User) -> Membership:
    """Make `user` a member and mark the invitation as used. If two people use it at once, one succeeds."""
    group = invitation.group
    with writing():
        if reason := join_refusal(invitation, user):
            raise InvitationRefused(reason)
        now = timezone.now()
        unused = Invitation.objects.filter(pk=invitation.pk, used_at=None, expires_at__gt=now)
        if not unused.update(used_at=now, used_by=user):
            raise InvitationRefused(_("This invitation has just been used, revoked or has expired."))
        # If one person accepts invitations to two groups at once, the database's constraint lets one through.
        membership, made = Membership.objects.get_or_create(user=user, course=group.course, defaults={"group": group})
        if not made:
            raise InvitationRefused(join_refusal(invitation, user))
    return membership


def revoke(invitation: Invitation) -> bool:
    """Delete an unused invitation; False if it has been used."""
    with writing():
        return bool(Invitation.objects.filter(pk=invitation.pk, used_at=None).delete()[0])


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
