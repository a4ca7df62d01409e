"""The largest memory that the processes of a running service take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Self

import psutil

from tests.bench.rows import Row

POLL_SECONDS = 0.3


class MemoryWatch(threading.Thread):
    """Samples the memory of a launcher's processes, as a context manager.

    `worker` is the peak of Celery's CPU worker with its pool, without the trainers; `trainer` is that of the largest
    single trainer. Both are bytes of resident memory; pages of the data set, which all share, count in each.
    """

    def __init__(self, launcher: int) -> None:
        super().__init__(name="memory", daemon=True)
        self._launcher = psutil.Process(launcher)
        self._over = threading.Event()
        self.worker = self.trainer = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            with suppress(psutil.Error):
                self.sample()

    def sample(self) -> None:
        for child in self._launcher.children():
            if _is_cpu_worker(child):
                self._sample_worker(child)

    def _sample_worker(self, worker: psutil.Process) -> None:
        trainers = [one for one in worker.children(recursive=True) if "workers.trainer" in one.cmdline()]
        pool = [worker, *(one for one in worker.children(recursive=True) if one not in trainers)]
        self.worker = max(self.worker, sum(map(resident, pool)))
        self.trainer = max([self.trainer, *map(resident, trainers)])

    def rows(self, during: str) -> Iterator[Row]:
        yield Row(name=f"memory of the worker, {during}", runs=1, peak_bytes=self.worker)
        yield Row(name=f"memory of a trainer, {during}", runs=1, peak_bytes=self.trainer)


def _is_cpu_worker(process: psutil.Process) -> bool:
    words = process.cmdline()
    return "worker" in words and "-Q" in words and words[words.index("-Q") + 1] == "cpu"


def resident(process: psutil.Process) -> int:
    """0 for a process that has just ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
