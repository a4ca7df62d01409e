"""Writing the desk's history."""

from __future__ import annotations

from submissions.database import clock
from submissions.models import Course, DeskEvent, User


def note(
    kind: DeskEvent.Kind,
    *,
    user: User | None = None,
    actor: str = "",
    subject: object = "",
    person: User | None = None,
    course: Course | None = None,
    detail: str = "",
) -> DeskEvent:
    """Write one line of the desk's history; within the caller's transaction, so that deed and line go together.

    By `user`, or by `actor`, a part of the service that acted by itself.
    """
    return DeskEvent.objects.create(
        kind=kind,
        at=clock.now(),
        actor=user.display_name if user else actor,
        user=user,
        subject=str(subject)[:200],
        person=person,
        course=course,
        detail=detail,
    )
