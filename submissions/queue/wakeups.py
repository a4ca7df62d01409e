"""Wake-ups: messages that say 'look at the database'. Losing or doubling one is harmless."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from submissions.database.write_lock import after_writing
from submissions.models import Device

logger = structlog.get_logger(__name__)
HANGING_SECONDS, LEFT_ALONE_SECONDS = 1, 10
QUEUES = {Device.CPU: ("cpu",), Device.GPU: ("gpu",), Device.AUTO: ("cpu", "gpu")}


_left_alone_until = 0.0


def wake(queues: Iterable[str], *, times: int = 1) -> None:
    """Send so many wake-ups to each queue once this transaction has committed."""
    for queue in queues:
        for _ in range(times):
            after_writing(partial(send, queue))


def send(queue: str) -> bool:
    """One wake-up now; False if the broker could not be reached, in which case the reaper sends it later.

    A broker that let us wait is left alone for some seconds: it would hold up every submitter anew.
    """
    global _left_alone_until
    began = time.monotonic()
    if began < _left_alone_until:
        return False
    try:
        current_app.send_task("workers.work_one", kwargs={"device": queue}, queue=queue, retry=False)
    except (OSError, OperationalError) as error:
        logger.warning("no wake-up sent", queue=queue, error=str(error))
        if time.monotonic() - began > HANGING_SECONDS:
            _left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
        return False
    return True
