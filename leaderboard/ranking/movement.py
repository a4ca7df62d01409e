"""Who moved up or down: since the day began; and, at the reveal, from the public ranking to the final one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from leaderboard.ranking import queries
from submissions.models import Quest
from submissions.quests.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Movement:
    """Where a group stands now, and where it stood before; `was` is None for one that was not on the board then."""

    now: int
    was: int | None

    @property
    def places(self) -> int:
        """How many places it moved, up or down."""
        return abs(self.now - self.was) if self.was else 0

    @property
    def direction(self) -> str:
        if self.was is None:
            return "new"
        return "same" if self.now == self.was else "up" if self.now < self.was else "down"


def ranks_before(quest: Quest, seen: Visibility, **filters: Any) -> dict[int, int]:
    """The rank that each group had before, by its id, among what the same filters left then.

    While the quest goes on that is at the start of today in its zone; once the private images decide, by the public
    ones. Empty where there is nothing to compare with.
    """
    if queries.ranks_by_private(quest):
        return queries.public_ranks(quest, seen, **filters)
    if quest.is_revealed:
        return {}
    return queries.public_ranks(quest, replace(seen, as_of=seen.today), **filters)


def movements(rows: Iterable[queries.Ranked], before: dict[int, int]) -> dict[int, Movement]:
    """What to show beside each row, by its id: nothing where nobody stood before."""
    if not before:
        return {}
    return {row.pk: Movement(row.rank, before.get(row.group_id or 0)) for row in rows}
