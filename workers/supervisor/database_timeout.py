"""A time limit for queries. A database that hangs takes the query and never answers, and no driver gives up on it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from django.db import OperationalError

ANSWER_SECONDS = 5.0


class NotAnswered(OperationalError):
    """The database did not answer in time."""


@contextmanager
def limited(seconds: float = ANSWER_SECONDS) -> Iterator[None]:
    """Raise NotAnswered in this block after `seconds`. Works in the main thread; in others the block has no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _give_up)
    # And each second after that: the rollback that follows asks the same database.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise NotAnswered("the database did not answer in time")
