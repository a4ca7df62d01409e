"""An end to waiting for a database that hangs: it took the question and says nothing, so no driver gives up on it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from django.db import OperationalError

ANSWER_SECONDS = 5.0


class NotAnswered(OperationalError):
    """The database had its time."""


@contextmanager
def at_most(seconds: float = ANSWER_SECONDS) -> Iterator[None]:
    """Raise NotAnswered in here after `seconds`, wherever the main thread waits; other threads wait as long as ever."""
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
    raise NotAnswered("no answer within the time that it is given")
