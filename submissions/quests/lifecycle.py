"""Opening, closing, freezing and revealing a quest."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from submissions.database import clock
from submissions.database.write_lock import writing
from submissions.models import QUEST_MOVES, DeskEvent, Quest, QuestState, User

MAY_BE_FROZEN = (QuestState.OPEN, QuestState.CLOSED)


class QuestMoveRefused(Exception):
    """The quest may not go there, for the reason given."""


def move_quest(quest: Quest, to: QuestState, *, user: User | None = None) -> None:
    """Move a quest to its next state. The reveal waits for every submission that was accepted before closing."""
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
            raise QuestMoveRefused(_("Someone else has just moved this quest; look again."))
        if user:
            detail = f"{quest.state} → {to}"
            DeskEvent.record(DeskEvent.Kind.QUEST_MOVED, user=user, subject=quest, course=quest.course, detail=detail)
    quest.state, quest.frozen_at = to, frozen_at


def freeze(quest: Quest, *, user: User) -> None:
    """From now on everybody but instructors sees the quest as it stands at this moment, until `thaw` or the reveal."""
    _set_frozen(quest, clock.now(), user=user)


def thaw(quest: Quest, *, user: User) -> None:
    """Show everybody what has been scored since the quest was frozen."""
    _set_frozen(quest, None, user=user)


def _set_frozen(quest: Quest, at: datetime | None, *, user: User) -> None:
    word = "frozen" if at else "thawed"
    with writing():
        unmoved = Quest.objects.filter(
            pk=quest.pk, state__in=MAY_BE_FROZEN, course__archived=False, frozen_at__isnull=at is not None
        )
        if not unmoved.update(frozen_at=at):
            words = (
                _("%(quest)s cannot be frozen now; look again.")
                if at
                else _("%(quest)s cannot be thawed now; look again.")
            )
            raise QuestMoveRefused(words % {"quest": quest})
        DeskEvent.record(DeskEvent.Kind.QUEST_CHANGED, user=user, subject=quest, course=quest.course, detail=word)
    quest.frozen_at = at
