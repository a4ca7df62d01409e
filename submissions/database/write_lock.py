"""Write transactions. On SQLite each first takes a file lock, which is fair, unlike SQLite's own retries."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# Any number that no other program on the same database uses; this is "quest" on a telephone keypad.
CLAIM_LOCK = 78378


class _LockState(threading.local):
    depth = 0

    def __init__(self) -> None:
        self.callbacks: list[Callable[[], object]] = []


_state = _LockState()


@contextmanager
def file_lock() -> Iterator[None]:
    """Block all other writers of an SQLite file. Does nothing on Postgres, which needs no such lock."""
    path = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or path == ":memory:" or "mode=memory" in path:
        yield
        return
    with open(f"{path}.lock", "a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def writing() -> Iterator[None]:
    """A write transaction. May be nested; `after_writing` callbacks run once the outermost has released the lock."""
    if _state.depth:
        with transaction.atomic():
            yield
        return
    _state.depth = 1
    try:
        with file_lock(), transaction.atomic():
            yield
    finally:
        _state.depth = 0
        callbacks, _state.callbacks = _state.callbacks, []
    for callback in callbacks:
        callback()


def after_writing(callback: Callable[[], object]) -> None:
    """Run `callback` after the commit and outside the lock: a slow broker must not hold up other writers."""

    def on_commit() -> None:
        if _state.depth:
            _state.callbacks.append(callback)
        else:
            callback()

    transaction.on_commit(on_commit)


@contextmanager
def claiming() -> Iterator[None]:
    """A write transaction in which only one claim runs at a time.

    With SKIP LOCKED alone: (1) two claims each count one run of a group whose limit is two; (2) both claim one of its
    submissions; (3) the group has three runs.
    """
    with writing():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])
        yield
