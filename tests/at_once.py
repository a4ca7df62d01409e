"""Several at once: each act in a thread with a database connection of its own, all let go at one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from submissions.database.write_lock import writing


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each act gave, or the exception that it raised, in the acts' order."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait(timeout=60)
            return act()
        except Exception as error:  # noqa: BLE001 - which of them are refused is what the test looks at
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def overlapping(first: Callable[[], Any], second: Callable[[], Any], *, seconds: float = 0.5) -> tuple[Any, Any]:
    """What both gave: `second` begins while `first` has written and not yet committed, and has to wait for it."""
    written, waiting = threading.Event(), threading.Event()

    def holding() -> Any:
        with writing():
            result = first()
            written.set()
            waiting.wait(timeout=seconds)
        return result

    def late() -> Any:
        assert written.wait(timeout=60)
        return second()

    one, other = at_once([holding, late])
    return one, other
