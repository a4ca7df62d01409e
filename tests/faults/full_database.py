"""The service's Celery application with a database that is full while a file named `full` exists beside it."""

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
def _limit_size(connection: Any, **_: Any) -> None:
    limit = NO_LIMIT

    def execute(call: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal limit
        pages = 1 if FULL.exists() else NO_LIMIT  # SQLite raises a limit below the file's size to that size
        if pages != limit:
            limit = pages
            connection.connection.execute(f"PRAGMA max_page_count = {pages}")
        return call(sql, params, many, context)

    connection.execute_wrappers.append(execute)
