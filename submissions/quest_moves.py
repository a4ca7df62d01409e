"""Opening, closing and revealing a quest."""

from __future__ import annotations

from submissions.locks import writing
from submissions.models import QUEST_MOVES, Quest, QuestState


class QuestMoveRefused(Exception):
    """The quest may not go there, for the reason given."""


def move_quest(quest: Quest, to: QuestState) -> None:
    """Move a quest to its next state. The reveal waits for every submission that was accepted before closing."""
    with writing():
        if to not in QUEST_MOVES[quest.state]:
            raise QuestMoveRefused(f"A quest that is {quest.state} cannot become {to}.")
        waiting = quest.submissions.live().count()
        if to == QuestState.REVEALED and waiting:
            raise QuestMoveRefused(f"{waiting} submissions are still queued or running; the reveal waits for them.")
        if not Quest.objects.filter(pk=quest.pk, state=quest.state).update(state=to):
            raise QuestMoveRefused("Someone else has just moved this quest; look again.")
    quest.state = to
