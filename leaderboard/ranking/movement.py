"""How groups moved in the ranking: since the start of the day, or at the reveal from public to final ranks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from leaderboard.ranking import queries
from submissions.models import Quest
from submissions.quests.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Movement:
    """A group's rank now and before; `was` is None for a group that was not on the board then."""

    now: int
    was: int | None

    @property
    def places(self) -> int:
        """How many places the group moved, up or down."""
        return abs(self.now - self.was) if self.was else 0

    @property
    def direction(self) -> str:
        if self.was is None:
            return "new"
        return "same" if self.now == self.was else "up" if self.now < self.was else "down"


def ranks_before(quest: Quest, visibility: Visibility, **filters: Any) -> dict[int, int]:
    """Group id → earlier rank under the same filters. Empty where nothing can be compared.

    Before the reveal: the rank at the start of today, in the quest's time zone. After it, if the private images
    decide: the rank by public scores.
    """
    if queries.ranks_by_private(quest):
        return queries.public_ranks(quest, visibility, **filters)
    if quest.is_revealed:
        return {}
    return queries.public_ranks(quest, replace(visibility, as_of=visibility.today), **filters)


def movements(rows: Iterable[queries.RankedSubmission], before: dict[int, int]) -> dict[int, Movement]:
    """Submission id → movement of its group; empty if there were no ranks before."""
    if not before:
        return {}
    return {row.pk: Movement(row.rank, before.get(row.group_id or 0)) for row in rows}
