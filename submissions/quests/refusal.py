"""Saying no: the error that every refused request raises, with the field, the reason and the HTTP status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from submissions.models import Quest
from submissions.quests.quotas import closed_because


@dataclass
class Refused(Exception):
    """A submission that is not taken. `errors` name their field; `status` is what HTTP calls it."""

    errors: Sequence[dict[str, str]]
    status: int = 400
    retry_after: timedelta | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join(error["message"] for error in self.errors)


def refuse(name: str, message: str, **more: Any) -> Refused:
    return Refused([{"field": name, "message": message}], **more)


def check_not_archived(quest: Quest) -> None:
    """Raises Refused where nothing may change any more, for nobody. Within the transaction of what would change."""
    quest.refresh_from_db(fields=["state", "course"])
    if quest.is_archived:
        raise refuse("quest", closed_because(quest), status=409)
