"""Wake-ups: messages that tell workers to look into the database. A lost or repeated one is harmless."""

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
SLOW_SECONDS, PAUSE_SECONDS = 1, 10
QUEUES = {Device.CPU: ("cpu",), Device.GPU: ("gpu",), Device.AUTO: ("cpu", "gpu")}


_paused_until = 0.0


def wake(queues: Iterable[str], *, times: int = 1) -> None:
    """Send `times` wake-ups to each queue once this transaction has committed."""
    for queue in queues:
        for _ in range(times):
            after_writing(partial(send, queue))


def send(queue: str) -> bool:
    """Send one wake-up now. False if the broker could not be reached; the reaper then sends it later.

    After a slow failure no wake-up is tried for some seconds: each would keep another submitter waiting.
    """
    global _paused_until
    began = time.monotonic()
    if began < _paused_until:
        return False
    try:
        current_app.send_task("workers.work_one", kwargs={"device": queue}, queue=queue, retry=False)
    except (OSError, OperationalError) as error:
        logger.warning("no wake-up sent", queue=queue, error=str(error))
        if time.monotonic() - began > SLOW_SECONDS:
            _paused_until = time.monotonic() + PAUSE_SECONDS
        return False
    return True
