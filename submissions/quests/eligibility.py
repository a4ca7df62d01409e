"""The quests that a user may submit to now, and for which group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from submissions.models import Extension, Group, Quest, QuestState, User
from submissions.quests.quotas import Quota, closed_reason, extensions_of, open_quests, own_deadline, quota


@dataclass(frozen=True, slots=True)
class Entry:
    """A quest that a user may submit to for `group`; None means out of competition."""

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
        return extensions_of(self.group, self.quest) if self.group else []


def submittable_quests(user: User) -> list[Quest]:
    """The quests that `user` may submit to now, newest first; for an instructor all that are not archived."""
    if user.is_staff:
        quests = Quest.objects.select_related("course").filter(course__archived=False)
        return list(quests.exclude(state=QuestState.ARCHIVED))
    return [quest for quest, _group in open_quests(Group.objects.filter(memberships__user=user))]


def choose_entry(user: User, quests: Sequence[Quest], wanted: str | None) -> Entry | None:
    """The entry for the quest with the id `wanted`, else for the first quest; None if there are no quests."""
    if not quests:
        return None
    quest = next((quest for quest in quests if str(quest.pk) == wanted), quests[0])
    return Entry(quest, None if user.is_staff else user.group_in(quest.course))


def closed_reasons(user: User) -> list[str]:
    """A sentence for each published quest of the user's courses that says why it is closed."""
    quests = Quest.objects.published().filter(course__memberships__user=user, course__archived=False)
    return [closed_reason(quest, user.group_in(quest.course)) for quest in quests.select_related("course")]
