"""A quest's announcement, shown above its board."""

from __future__ import annotations

from submissions.database import clock
from submissions.database.write_lock import writing
from submissions.models import DeskEvent, Quest, User


def announce(quest: Quest, text: str, *, user: User) -> None:
    """Replace the quest's announcement with `text`; an empty text removes it."""
    text = text.strip()
    with writing():
        at = clock.now() if text else None
        Quest.objects.filter(pk=quest.pk).update(announcement=text, announced_at=at)
        DeskEvent.record(DeskEvent.Kind.ANNOUNCED, user=user, subject=quest, course=quest.course, detail=text)
    quest.announcement, quest.announced_at = text, at
