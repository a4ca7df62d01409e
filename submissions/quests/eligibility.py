"""Where somebody may submit now, and as whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from submissions.models import Extension, Group, Quest, QuestState, User
from submissions.quests.quotas import Quota, closed_because, granted, open_quests, own_deadline, quota


@dataclass(frozen=True, slots=True)
class Entry:
    """A quest that `user` may submit to; `group` None is out of competition."""

    quest: Quest
    group: Group | None

    @property
    def quota(self) -> Quota | None:
        return quota(self.quest, self.group) if self.group else None

    @property
    def own_deadline(self) -> datetime | None:
        return own_deadline(self.quest, self.group)

    @property
    def extensions(self) -> list[Extension]:
        return granted(self.group, self.quest) if self.group else []


def enterable(user: User) -> list[Quest]:
    """The quests that `user` may submit to now, the newest first: for an instructor every one that is not archived."""
    if user.is_staff:
        quests = Quest.objects.select_related("course").filter(course__archived=False)
        return list(quests.exclude(state=QuestState.ARCHIVED))
    return [quest for quest, _group in open_quests(Group.objects.filter(memberships__user=user))]


def enter(user: User, quests: Sequence[Quest], wanted: str | None) -> Entry | None:
    """The entry to the quest whose id is `wanted`, else to the first; None if there is none."""
    if not quests:
        return None
    quest = next((quest for quest in quests if str(quest.pk) == wanted), quests[0])
    return Entry(quest, None if user.is_staff else user.group_in(quest.course))


def why_nowhere(user: User) -> list[str]:
    """Why each published quest of the user's courses takes nothing now, in sentences."""
    quests = Quest.objects.published().filter(course__memberships__user=user, course__archived=False)
    return [closed_because(quest, user.group_in(quest.course)) for quest in quests.select_related("course")]
