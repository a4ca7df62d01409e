"""What a run used, and what else went on: CPU time, peak memory, busy threads, other work on the host."""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import IO, Any, Self

import psutil

SAMPLE_SECONDS = 0.1
LEFT_OVER_SECONDS = 60
SHORTEST_SECONDS = 0.5
CLEAR_REFS, STATUS, TASKS = Path("/proc/self/clear_refs"), Path("/proc/self/status"), Path("/proc/self/task")
RESET_PEAK = "5"  # proc(5): sets the peak resident set size to the current one


def cpu_seconds() -> float:
    """Of this process and of its children that have ended, in user and in system mode."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class Sampler(threading.Thread):
    """Watches memory and busy threads of this process while a run lasts; use as a context."""

    def __init__(self) -> None:
        super().__init__(name="sampler", daemon=True)
        self._over = threading.Event()
        self._memory = psutil.Process()
        self._busy: list[int] = []
        self.peak_memory_bytes = 0

    def __enter__(self) -> Self:
        with suppress(OSError):
            CLEAR_REFS.write_text(RESET_PEAK)
        self.peak_memory_bytes = self._memory.memory_info().rss
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        self.join()
        self.peak_memory_bytes = max(self.peak_memory_bytes, self._memory.memory_info().rss, _kernel_peak())

    def run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.peak_memory_bytes = max(self.peak_memory_bytes, self._memory.memory_info().rss)
            self._busy.append(_running_threads(besides=self.native_id))

    @property
    def threads_used(self) -> int:
        """How many threads computed at once, by the median of the samples; at least the one that ran."""
        return max(1, round(median(self._busy))) if self._busy else 1


def _kernel_peak() -> int:
    """Linux's own record of the peak since `RESET_PEAK`, which misses nothing between two samples; 0 elsewhere."""
    with suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0


def _running_threads(*, besides: int | None) -> int:
    running = 0
    for task in TASKS.glob("[0-9]*"):
        with suppress(OSError, IndexError):  # a thread may end while we look
            state = (task / "stat").read_text().rpartition(")")[2].split()[0]
            running += state == "R" and task.name != str(besides)
    return running


class HostLoad:
    """Other runs and other work on the host while a run lasts; use as a context, then ask `readings`."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._cores = psutil.cpu_count() or 1

    def __enter__(self) -> Self:
        self.load_average = round(os.getloadavg()[0], 2)
        self._host, self._own, self._began = _host_busy_seconds(), cpu_seconds(), time.monotonic()
        self._mark = _mark()
        self.other_runs = _marked_by_others(self._mark.name)
        return self

    def __exit__(self, *failure: object) -> None:
        self.other_runs = max(self.other_runs, _marked_by_others(self._mark.name))
        Path(self._mark.name).unlink(missing_ok=True)
        self._mark.close()
        others = _host_busy_seconds() - self._host - (cpu_seconds() - self._own)
        seconds = time.monotonic() - self._began
        # The kernel counts in hundredths of a second on each core: too coarse for a run that takes no longer.
        self.other_cores = max(0.0, others / seconds) if seconds >= SHORTEST_SECONDS else 0.0

    def readings(self) -> dict[str, Any]:
        """`contended`: another run was there, or other work left fewer cores than the run has threads."""
        crowded = self._cores - self.other_cores < 0.9 * self._threads
        return {
            "load_average": self.load_average,
            "other_runs": self.other_runs,
            "other_cores": round(self.other_cores, 2),
            "contended": bool(self.other_runs or crowded),
        }


def _host_busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times[:]) - times.idle - getattr(times, "iowait", 0) - getattr(times, "guest", 0))


def _marks() -> Path:
    """One for the whole host, whoever's worker it is; a lock that its holder's end releases cannot be left behind."""
    folder = Path(tempfile.gettempdir()) / "quest-runs"
    with suppress(OSError):
        folder.mkdir(mode=0o1777, exist_ok=True)
        folder.chmod(0o1777)
    return folder


def _mark() -> IO[bytes]:
    folder = _marks()
    mark = tempfile.NamedTemporaryFile(dir=folder if os.access(folder, os.W_OK) else None, delete=False)  # noqa: SIM115
    os.chmod(mark.name, 0o644)
    fcntl.flock(mark, fcntl.LOCK_EX)
    return mark


def _marked_by_others(own: str) -> int:
    return sum(_held(path) for path in _marks().glob("tmp*") if path.name != Path(own).name)


def _held(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        # A mark is locked a moment after it is made: only an old one is surely left over.
        if time.time() - os.fstat(mark.fileno()).st_mtime > LEFT_OVER_SECONDS:
            path.unlink()
    return False
