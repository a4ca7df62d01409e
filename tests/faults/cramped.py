"""The service's Celery application on a database that is full whenever the file `full` lies beside it."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from config.celery import app

__all__ = ["app"]

FULL = Path(settings.QUEST_HOME) / "full"
NO_LIMIT = 1 << 30


@receiver(connection_created)
def _hold_to_its_size(connection: Any, **_: Any) -> None:
    held_to = NO_LIMIT

    def execute(call: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal held_to
        pages = 1 if FULL.exists() else NO_LIMIT  # SQLite takes the size that the file has for the least
        if pages != held_to:
            held_to = pages
            connection.connection.execute(f"PRAGMA max_page_count = {pages}")
        return call(sql, params, many, context)

    connection.execute_wrappers.append(execute)
