"""Wake-ups: messages that say 'look at the database'. Losing or doubling one is harmless."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from submissions.locks import after_writing
from submissions.models import Device

logger = structlog.get_logger(__name__)
QUEUES = {Device.CPU: ("cpu",), Device.GPU: ("gpu",), Device.AUTO: ("cpu", "gpu")}


def wake(queues: Iterable[str]) -> None:
    """Send one wake-up to each queue once this transaction has committed."""
    for queue in queues:
        after_writing(partial(send, queue))


def send(queue: str) -> bool:
    """One wake-up now; False if the broker could not be reached, in which case the reaper sends it later."""
    try:
        current_app.send_task("workers.work_one", kwargs={"device": queue}, queue=queue, retry=False)
    except (OSError, OperationalError) as error:
        logger.warning("no wake-up sent", queue=queue, error=str(error))
        return False
    return True
