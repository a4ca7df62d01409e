"""The service whole, as `make run` starts it, for the parts of the bench that go through it."""

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
LOOK_SECONDS, IDLE_SHARE, LONGEST_SETTLE_S = 2.0, 0.15, 240


@contextmanager
def served(dataset: str) -> Iterator[Stack]:
    """A service with an open quest on `dataset`, warm and idle, in a home that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="quest-bench-", ignore_cleanup_errors=True) as home:
        env = {"QUEST_DEMO_DATASET": dataset}
        with running(Path(home) / "home", store.data_home(), **env) as stack:
            settle(stack)
            yield stack


def settle(stack: Stack) -> None:
    """Wait until the service has had next to nothing to do for a while: its trainers have their libraries then."""
    deadline, before = time.monotonic() + LONGEST_SETTLE_S, _cpu_seconds(stack)
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        now = _cpu_seconds(stack)
        if now - before < IDLE_SHARE * LOOK_SECONDS:
            return
        before = now


def _cpu_seconds(stack: Stack) -> float:
    """Of all its processes; one that ends in between takes its share away, which looks idle once at most."""
    used = 0.0
    for process in psutil.Process(stack.process.pid).children(recursive=True):
        with suppress(psutil.Error):
            used += sum(process.cpu_times()[:2])
    return used
