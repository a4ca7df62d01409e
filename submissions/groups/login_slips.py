"""One-time links for setting a first password, and the printed slips that carry them."""

from __future__ import annotations

from typing import NamedTuple

from axes.utils import reset as lift_lockout
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.tokens import default_token_generator
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from submissions.models import Course, Membership, User


class Slip(NamedTuple):
    """One person's slip: name, group and link."""

    user: User
    group: str
    link: str


def one_time_link(user: User, *, base_url: str) -> str:
    """A link with which `user` can set a password once; valid for PASSWORD_RESET_TIMEOUT seconds."""
    who = urlsafe_base64_encode(force_bytes(user.pk))
    address = reverse("welcome", args=[who, default_token_generator.make_token(user)])
    return base_url.rstrip("/") + address


def without_password(course: Course) -> QuerySet[Membership]:
    """The members of the course's groups who have not yet set a password."""
    return course.memberships.filter(
        user__is_active=True, user__password__startswith=UNUSABLE_PASSWORD_PREFIX
    ).select_related("user", "group")


def slips(course: Course, *, base_url: str) -> list[Slip]:
    """A slip for each member without a password, ordered by group and username."""
    members = without_password(course).order_by("group__name", "user__username")
    return [slip(member, base_url=base_url) for member in members]


def slip(member: Membership, *, base_url: str) -> Slip:
    return Slip(member.user, member.group.name, one_time_link(member.user, base_url=base_url))


def reset_login(user: User) -> None:
    """Remove the password, which ends all sessions and earlier links, and lift any lock-out."""
    user.set_unusable_password()
    user.save(update_fields=["password"])
    lift_lockout(username=user.username)
