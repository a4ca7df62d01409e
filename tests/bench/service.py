"""The whole service, as `make run` starts it, for the rows that measure it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.stack import Stack, running
from workers.datasets import store

GROUPS = tuple(f"itmalgrp{number:02d}" for number in range(1, 6))
POLL_SECONDS, IDLE_SHARE, LONGEST_SETTLE_S = 2.0, 0.15, 240


@contextmanager
def idle_service(dataset: str) -> Iterator[Stack]:
    """A warm and idle service with an open quest on `dataset`, in a temporary home."""
    with tempfile.TemporaryDirectory(prefix="quest-bench-", ignore_cleanup_errors=True) as home:
        env = {"QUEST_DEMO_DATASET": dataset}
        with running(Path(home) / "home", store.data_home(), **env) as stack:
            wait_until_idle(stack)
            yield stack


def wait_until_idle(stack: Stack) -> None:
    """Wait until the service is idle, as its trainers have then loaded their libraries; at most four minutes."""
    deadline, before = time.monotonic() + LONGEST_SETTLE_S, _cpu_seconds(stack)
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        now = _cpu_seconds(stack)
        if now - before < IDLE_SHARE * POLL_SECONDS:
            return
        before = now


def _cpu_seconds(stack: Stack) -> float:
    """CPU seconds of all processes of the service.

    A process that ends takes its seconds out of the sum, which may look idle, but only once.
    """
    used = 0.0
    for process in psutil.Process(stack.process.pid).children(recursive=True):
        with suppress(psutil.Error):
            used += sum(process.cpu_times()[:2])
    return used
