"""A quest's states: opening, closing, revealing, archiving, and freezing its board."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from submissions.database import clock
from submissions.database.write_lock import writing
from submissions.models import QUEST_MOVES, DeskEvent, Quest, QuestState, User

FREEZABLE = (QuestState.OPEN, QuestState.CLOSED)


class QuestMoveRefused(Exception):
    """The quest cannot change to this state, for the reason given."""


def move_quest(quest: Quest, to: QuestState, *, user: User | None = None) -> None:
    """Change a quest's state. The reveal waits for every submission that was accepted before closing."""
    with writing():
        if to not in QUEST_MOVES[quest.state]:
            states = {"state": quest.get_state_display().lower(), "to": to.label.lower()}
            raise QuestMoveRefused(_("A quest that is %(state)s cannot become %(to)s.") % states)
        waiting = quest.submissions.live().count()
        if to == QuestState.REVEALED and waiting:
            words = _("%(waiting)s submissions are still queued or running; the reveal waits for them.")
            raise QuestMoveRefused(words % {"waiting": waiting})
        frozen_at = None if to == QuestState.REVEALED else quest.frozen_at
        if not Quest.objects.filter(pk=quest.pk, state=quest.state).update(state=to, frozen_at=frozen_at):
            raise QuestMoveRefused(_("Someone else has just changed this quest; please reload."))
        if user:
            detail = f"{quest.state} → {to}"
            DeskEvent.record(DeskEvent.Kind.QUEST_MOVED, user=user, subject=quest, course=quest.course, detail=detail)
    quest.state, quest.frozen_at = to, frozen_at


def freeze(quest: Quest, *, user: User) -> None:
    """Freeze the board: everybody but instructors sees it as it is now, until `thaw` or the reveal."""
    _set_frozen(quest, clock.now(), user=user)


def thaw(quest: Quest, *, user: User) -> None:
    """Show everybody the scores since the board was frozen."""
    _set_frozen(quest, None, user=user)


def _set_frozen(quest: Quest, at: datetime | None, *, user: User) -> None:
    word = "frozen" if at else "thawed"
    with writing():
        unmoved = Quest.objects.filter(
            pk=quest.pk, state__in=FREEZABLE, course__archived=False, frozen_at__isnull=at is not None
        )
        if not unmoved.update(frozen_at=at):
            words = (
                _("%(quest)s cannot be frozen now; please reload.")
                if at
                else _("%(quest)s cannot be unfrozen now; please reload.")
            )
            raise QuestMoveRefused(words % {"quest": quest})
        DeskEvent.record(DeskEvent.Kind.QUEST_CHANGED, user=user, subject=quest, course=quest.course, detail=word)
    quest.frozen_at = at
