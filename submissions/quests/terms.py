"""A new term beside the last one: the same quests as drafts, and no groups yet."""

from __future__ import annotations

from datetime import datetime, timedelta

from submissions.database.write_lock import writing
from submissions.models import Course, DeskEvent, Quest, User

_OF_ONE_TERM = ("id", "course", "announcement", "split_seed")
_MOVED = ("opens_at", "closes_at", "models_shown_from")


def start_term(course: Course, *, term: str, weeks: int, user: User) -> Course:
    """Create `course` anew for `term`, with a draft of each of its quests, all their times `weeks` later.

    Groups, members, submissions and announcements stay where they are.
    """
    with writing():
        new = Course.objects.create(name=course.name, term=term)
        for quest in course.quests.order_by("created_at", "pk"):
            Quest.objects.create(course=new, **_rules(quest, timedelta(weeks=weeks)))
        DeskEvent.record(DeskEvent.Kind.TERM_STARTED, user=user, subject=new, course=new, detail=f"beside {course}")
    return new


def _rules(quest: Quest, later: timedelta) -> dict[str, object]:
    """All that an instructor sets about a quest; what only its own course of events sets is not editable."""
    names = [field.name for field in Quest._meta.concrete_fields if field.editable and field.name not in _OF_ONE_TERM]
    return {name: getattr(quest, name) for name in names} | {
        name: _moved(getattr(quest, name), quest, later) for name in _MOVED
    }


def _moved(at: datetime | None, quest: Quest, later: timedelta) -> datetime | None:
    """The same weekday and time of day by the clocks of the quest's zone, which may be set between."""
    return at and (at.astimezone(quest.zone).replace(tzinfo=None) + later).replace(tzinfo=quest.zone)
