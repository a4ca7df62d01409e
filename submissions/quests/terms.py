"""Starting a course's next term with drafts of the same quests and no groups."""

from __future__ import annotations

from datetime import datetime, timedelta

from submissions.database.write_lock import writing
from submissions.models import Course, DeskEvent, Quest, User

_NOT_COPIED = ("id", "course", "announcement", "split_seed")
_SHIFTED_TIMES = ("opens_at", "closes_at", "models_shown_from")


def start_term(course: Course, *, term: str, weeks: int, user: User) -> Course:
    """Create a copy of `course` for `term` with a draft of each of its quests, all times `weeks` later.

    Groups, members, submissions and announcements are not copied.
    """
    with writing():
        new = Course.objects.create(name=course.name, term=term)
        for quest in course.quests.order_by("created_at", "pk"):
            Quest.objects.create(course=new, **_rules(quest, timedelta(weeks=weeks)))
        DeskEvent.record(DeskEvent.Kind.TERM_STARTED, user=user, subject=new, course=new, detail=f"beside {course}")
    return new


def _rules(quest: Quest, later: timedelta) -> dict[str, object]:
    """The fields that an instructor sets. Fields that only events set, such as the state, are not editable."""
    names = [field.name for field in Quest._meta.concrete_fields if field.editable and field.name not in _NOT_COPIED]
    return {name: getattr(quest, name) for name in names} | {
        name: _shifted(getattr(quest, name), quest, later) for name in _SHIFTED_TIMES
    }


def _shifted(at: datetime | None, quest: Quest, later: timedelta) -> datetime | None:
    """The same weekday and time of day in the quest's zone, even across a clock change."""
    return at and (at.astimezone(quest.zone).replace(tzinfo=None) + later).replace(tzinfo=quest.zone)
