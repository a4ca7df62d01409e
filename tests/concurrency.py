"""Run calls concurrently, each in a thread with its own database connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from submissions.database.write_lock import writing


def run_concurrently(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Start all calls at the same moment; returns their results, or the exceptions that they raised, in order."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait(timeout=60)
            return call()
        except Exception as error:  # noqa: BLE001 - the test checks which calls are refused
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def run_overlapping(first: Callable[[], Any], second: Callable[[], Any], *, seconds: float = 0.5) -> tuple[Any, Any]:
    """Start `second` while `first` has written but not yet committed, so that it must wait; returns both results."""
    written = threading.Event()

    def write_slowly() -> Any:
        with writing():
            result = first()
            written.set()
            time.sleep(seconds)
        return result

    def start_late() -> Any:
        assert written.wait(timeout=60)
        return second()

    one, other = run_concurrently([write_slowly, start_late])
    return one, other
