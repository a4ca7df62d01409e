"""Keeps a worker that is off duty from taking wake-ups: it would waste them, and others need them."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import Error, connections

from submissions.queue.worker_duty import UPKEEP, on_duty
from workers.supervisor import database_timeout
from workers.supervisor.registration import this_worker

logger = structlog.get_logger(__name__)


def wanted() -> bool:
    """Whether this worker should take wake-ups. True if the database cannot be asked: a claim checks again."""
    try:
        with database_timeout.limited():
            return this_worker().device == UPKEEP or on_duty(this_worker())
    except Error as error:
        logger.warning("duty not checked", error=str(error))
        return True
    finally:
        connections.close_all()


def listen(consumer: Any, queue: str, *, wanted: bool) -> None:
    """Start or stop taking from `queue`; called every few seconds by the worker's main process."""
    tasks = getattr(consumer, "task_consumer", None)
    if tasks is None or wanted == tasks.consuming_from(queue):  # None while the broker is away
        return
    logger.warning("takes runs again" if wanted else "takes no more runs")
    (consumer.add_task_queue if wanted else consumer.cancel_task_queue)(queue)
