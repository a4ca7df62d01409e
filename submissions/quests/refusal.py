"""The error that refused requests raise, with field, reason and HTTP status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from submissions.models import Quest
from submissions.quests.quotas import closed_reason


@dataclass
class Refused(Exception):
    """A refused request. Each of `errors` names its field; `status` is the HTTP status."""

    errors: Sequence[dict[str, str]]
    status: int = 400
    retry_after: timedelta | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join(error["message"] for error in self.errors)


def refuse(name: str, message: str, **more: Any) -> Refused:
    return Refused([{"field": name, "message": message}], **more)


def check_not_archived(quest: Quest) -> None:
    """Raises Refused if the quest is archived. Call it within the transaction that makes the change."""
    quest.refresh_from_db(fields=["state", "course"])
    if quest.is_archived:
        raise refuse("quest", closed_reason(quest), status=409)
