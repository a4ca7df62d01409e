"""Erases a course's personal data: students become anonymous, their groups' results are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat, Lower
from django.utils import timezone

from submissions.database import clock
from submissions.database.write_lock import writing
from submissions.models import (
    ApiToken,
    Course,
    DeskEvent,
    Event,
    Extension,
    Group,
    Invitation,
    Membership,
    QuestState,
    State,
    Submission,
    User,
)

NEUTRAL = "former member "  # followed by a number; the spaces keep it from being a username that somebody chose
ACTOR = "purge_course"
ERASED = "(erased)"
_NEUTRAL_GROUP = re.compile(r"Group \d+")
_ABOUT_GROUPS = (DeskEvent.Kind.GROUP_CREATED, DeskEvent.Kind.EXTENDED)
_LOGINS = (AccessAttempt, AccessFailureLog, AccessLog)


class PurgeRefused(Exception):
    """The course cannot be erased yet, for the reason given."""


@dataclass(slots=True)
class PurgeResult:
    """The number of erased items of each kind; `kept` are usernames of people who are also in another course."""

    erased: dict[str, int] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        return any(self.erased.values())


def purge(course: Course, *, group_names: bool = False, rehearse: bool = False) -> PurgeResult:
    """Erase the personal data of `course` in one transaction; scores, times, models and pseudonyms are kept.

    People who are also in another course keep their accounts. With `rehearse` everything is rolled back, and the result
    says what would be erased. Raises PurgeRefused while a quest is open or submissions are live.
    """
    _enable_secure_delete()
    with writing():
        course = Course.objects.select_for_update().get(pk=course.pk)
        _check_finished(course)
        done = _purge(course, group_names)
        if rehearse:
            transaction.set_rollback(True)
        elif done.anything:
            DeskEvent.objects.create(
                kind=DeskEvent.Kind.COURSE_PURGED, at=clock.now(), actor=ACTOR, subject=str(course), course=course
            )
    return done


def _enable_secure_delete() -> None:
    """Make SQLite overwrite deleted rows, which would otherwise remain in its file until the space is reused."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")


def _check_finished(course: Course) -> None:
    if quest := course.quests.filter(state=QuestState.OPEN).first():
        raise PurgeRefused(f"{quest} is still open: close it first.")
    if live := Submission.objects.live().filter(quest__course=course).count():
        raise PurgeRefused(f"Submissions still queued or running: {live}. Wait for them, or cancel them.")


def _purge(course: Course, group_names: bool) -> PurgeResult:
    everybody = _students(course)
    elsewhere = everybody.filter(_in_another(course)).distinct()
    people = list(everybody.exclude(pk__in=elsewhere.values("pk")).values_list("pk", "username").distinct())
    ids, names = [pk for pk, _name in people], [name.lower() for _pk, name in people]
    # Rows that are found by username must be erased before the usernames change.
    erased = {"sessions": _sessions(ids), "records of logins": _logins(names)}
    erased |= {"accounts": _accounts(ids), "names in histories": _actors(ids)}
    erased |= _course_data(course, ids)
    if group_names:
        erased["group names"] = _group_names(course)
    return PurgeResult(erased, sorted(elsewhere.values_list("username", flat=True)))


def _students(course: Course) -> QuerySet[User]:
    """Members and former members who submitted, except those who are already anonymous."""
    took_part = Q(memberships__course=course) | Q(submissions__quest__course=course)
    return User.objects.filter(took_part, is_staff=False, is_superuser=False).exclude(username__startswith=NEUTRAL)


def _in_another(course: Course) -> Q:
    members = Membership.objects.exclude(course=course)
    submitters = Submission.objects.exclude(quest__course=course).exclude(submitter=None)
    return Q(pk__in=members.values("user")) | Q(pk__in=submitters.values("submitter"))


def _sessions(people: list[int]) -> int:
    """Delete these people's sessions. A session's owner is recorded only in its signed data."""
    mine = {str(pk) for pk in people}
    found = [one.pk for one in Session.objects.iterator() if one.get_decoded().get(SESSION_KEY) in mine]
    return _deleted(Session.objects.filter(pk__in=found))


def _logins(usernames: list[str]) -> int:
    """Delete the lock-out's records of logins: usernames, addresses and browsers."""
    records = (model.objects.annotate(lower=Lower("username")).filter(lower__in=usernames) for model in _LOGINS)
    unlocked = DeskEvent.objects.annotate(lower=Lower("subject")).filter(lower__in=usernames).update(subject=ERASED)
    return unlocked + sum(_deleted(rows) for rows in records)


def _accounts(people: list[int]) -> int:
    return User.objects.filter(pk__in=people).update(
        username=Concat(Value(NEUTRAL), Cast("pk", CharField())),
        first_name="",
        last_name="",
        email="",
        student_number="",
        password=make_password(None),
        is_active=False,
        last_login=None,
        date_joined=timezone.now(),
    )


def _actors(people: list[int]) -> int:
    """Replace the actors' names in submissions' histories with the same neutral names as their accounts."""
    now = User.objects.filter(pk=OuterRef("user")).values("username")
    return Event.objects.filter(user__in=people).update(actor=Subquery(now))


def _course_data(course: Course, people: list[int]) -> dict[str, int]:
    """Erase the notes and reasons that people wrote, and everything that gave access to the course's groups."""
    submissions = Submission.objects.filter(quest__course=course)
    keyed = submissions.exclude(idempotency_key=None)
    reasons = Event.objects.filter(submission__quest__course=course, user__isnull=False).exclude(reason="")
    granted = Extension.objects.filter(quest__course=course).exclude(reason=ERASED)
    history = DeskEvent.objects.filter(course=course, kind=DeskEvent.Kind.EXTENDED).exclude(detail=ERASED)
    return {
        "tokens": _deleted(ApiToken.objects.filter(Q(user__in=people) | Q(group__course=course))),
        "invitations": _deleted(Invitation.objects.filter(group__course=course)),
        "notes": submissions.exclude(note="").update(note=""),
        "idempotency keys": keyed.update(idempotency_key=None, idempotency_body=""),
        "reasons that people wrote": (
            reasons.update(reason="")
            + submissions.filter(state=State.CANCELLED).exclude(reason="").update(reason="")
            + granted.update(reason=ERASED)
            + history.update(detail=ERASED)
        ),
    }


def _group_names(course: Course) -> int:
    """Rename the groups to `Group 1`, `Group 2`, … in the order of their creation."""
    groups = [group for group in course.groups.order_by("pk") if not _NEUTRAL_GROUP.fullmatch(group.name)]
    taken = set(course.groups.exclude(pk__in=[group.pk for group in groups]).values_list("name", flat=True))
    free = (name for number in count(1) if (name := f"Group {number}") not in taken)
    for group, name in zip(groups, free, strict=False):
        about = DeskEvent.objects.filter(course=course, kind__in=_ABOUT_GROUPS, subject=group.name)
        about.update(subject=name)
        group.name = name
    Group.objects.bulk_update(groups, ["name"])
    return len(groups)


def _deleted(rows: QuerySet[Any]) -> int:
    """Delete these rows; returns their number without the rows deleted by cascade."""
    return rows.delete()[1].get(rows.model._meta.label, 0)
