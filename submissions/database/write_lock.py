"""Write transactions. On SQLite each first takes a file lock: blocking and fair, as SQLite's own retry is not."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# Any number will do, as long as no other program on the same database takes it: "quest" on a telephone's keys.
CLAIM_LOCK = 78378


class _Held(threading.local):
    depth = 0

    def __init__(self) -> None:
        self.afterwards: list[Callable[[], object]] = []


_held = _Held()


@contextmanager
def file_lock() -> Iterator[None]:
    """Keeps all other writers of an SQLite file waiting; nothing on Postgres, which needs no such thing."""
    path = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or path == ":memory:" or "mode=memory" in path:
        yield
        return
    with open(f"{path}.lock", "a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def writing() -> Iterator[None]:
    """A transaction that writes. May be nested; what `after_writing` was given runs once the outermost has let go."""
    if _held.depth:
        with transaction.atomic():
            yield
        return
    _held.depth = 1
    try:
        with file_lock(), transaction.atomic():
            yield
    finally:
        _held.depth = 0
        waiting, _held.afterwards = _held.afterwards, []
    for act in waiting:
        act()


def after_writing(act: Callable[[], object]) -> None:
    """Run `act` on commit and outside the lock: a slow broker must not hold up every other writer."""

    def on_commit() -> None:
        if _held.depth:
            _held.afterwards.append(act)
        else:
            act()

    transaction.on_commit(on_commit)


@contextmanager
def claiming() -> Iterator[None]:
    """One claim at a time: SKIP LOCKED alone would let two claims pass a group's limit."""
    with writing():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])
        yield
