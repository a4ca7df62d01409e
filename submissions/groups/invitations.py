"""One-time ways into a group: a code that is shown once, of which only the digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.models import Group, Invitation, Membership, User

LASTS = timedelta(days=14)
MOST_OPEN = 20  # of one group
LENGTH = 16
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 5 bits each; none that is easily read as another


class InvitationRefused(Exception):
    """Why nobody is invited, or this person may not join, in a sentence."""


def invite(group: Group, *, user: User) -> str:
    """Make an invitation to `group`; gives its code, which nobody can read again."""
    if group.course.archived:
        words = _("%(course)s is archived: its groups stay as they are.")
        raise InvitationRefused(words % {"course": group.course})
    code = "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))
    with writing():
        if still_open(group).count() >= MOST_OPEN:
            words = _("%(group)s has %(count)s open invitations: revoke those that nobody needs.")
            raise InvitationRefused(words % {"group": group, "count": MOST_OPEN})
        Invitation.objects.create(group=group, digest=_digest(code), created_by=user, expires_at=timezone.now() + LASTS)
    return spaced(code)


def still_open(group: Group) -> QuerySet[Invitation]:
    """The group's invitations that somebody can still use."""
    return group.invitations.filter(used_at=None, expires_at__gt=timezone.now())


def read_code(text: str) -> str | None:
    """The code as it was typed or pasted, in any case, with or without hyphens; None if it can be none."""
    code = text.upper().replace("-", "").replace(" ", "").strip()
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None


def spaced(code: str) -> str:
    """The code in groups of four, as it is shown."""
    return "-".join(code[start : start + 4] for start in range(0, LENGTH, 4))


def find(code: str) -> Invitation | None:
    """The invitation that `code`, as `read_code` gives it, opens now."""
    known = Invitation.objects.select_related("group__course", "created_by").filter(
        digest=_digest(code), used_at=None, expires_at__gt=timezone.now(), group__course__archived=False
    )
    return known.first()


def why_not(invitation: Invitation, user: User) -> str:
    """Why `user` may not join by this invitation; empty if nothing is against it."""
    if user.is_staff:
        return _("Instructors are in no group: they submit out of competition.")
    group = user.group_in(invitation.group.course)
    if group is None:
        return ""
    if group == invitation.group:
        words = _("You are in %(group)s already. The invitation stays open for somebody else.")
    else:
        words = _("You are in %(group)s, and in one course a person is in one group. An instructor can move you.")
    return words % {"group": group}


def join(invitation: Invitation, *, user: User) -> Membership:
    """Make `user` a member and the invitation used. Of two who use it at once, one gets in."""
    group = invitation.group
    with writing():
        if reason := why_not(invitation, user):
            raise InvitationRefused(reason)
        now = timezone.now()
        unused = Invitation.objects.filter(pk=invitation.pk, used_at=None, expires_at__gt=now)
        if not unused.update(used_at=now, used_by=user):
            raise InvitationRefused(_("This invitation has just been used, revoked or has expired."))
        # Of two invitations to two groups, accepted at once by one person, the database lets one through.
        membership, made = Membership.objects.get_or_create(user=user, course=group.course, defaults={"group": group})
        if not made:
            raise InvitationRefused(why_not(invitation, user))
    return membership


def revoke(invitation: Invitation) -> bool:
    """Take back an invitation that nobody has used; False if somebody has."""
    with writing():
        return bool(Invitation.objects.filter(pk=invitation.pk, used_at=None).delete()[0])


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
