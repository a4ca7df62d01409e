"""Measures a run (CPU time, peak memory, busy threads) and other work on the host meanwhile."""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import IO, Self

import psutil

from workers.processes.protocol import HostReadings

SAMPLE_SECONDS = 0.1
LEFT_OVER_SECONDS = 60
SHORTEST_SECONDS = 0.5
CLEAR_REFS, STATUS, TASKS = Path("/proc/self/clear_refs"), Path("/proc/self/status"), Path("/proc/self/task")
RESET_PEAK = "5"  # proc(5): sets the peak resident set size to the current one


def cpu_seconds() -> float:
    """User and system time of this process and of its children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class Sampler(threading.Thread):
    """Samples this process's memory and busy threads during a run; a context manager."""

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
            self._busy.append(_running_threads(excluding=self.native_id))

    @property
    def threads_used(self) -> int:
        """How many threads computed at once: the median of the samples, at least 1."""
        return max(1, round(median(self._busy))) if self._busy else 1


def _kernel_peak() -> int:
    """The peak since `RESET_PEAK` as Linux recorded it, which samples may miss; 0 on other systems."""
    with suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0


def _running_threads(*, excluding: int | None) -> int:
    running = 0
    for task in TASKS.glob("[0-9]*"):
        with suppress(OSError, IndexError):  # the thread may have ended meanwhile
            state = (task / "stat").read_text().rpartition(")")[2].split()[0]
            running += state == "R" and task.name != str(excluding)
    return running


class HostLoad:
    """Other runs and other work on the host during a run; a context manager. Ask for `readings` after it."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._cores = psutil.cpu_count() or 1

    def __enter__(self) -> Self:
        self.load_average = round(os.getloadavg()[0], 2)
        self._host, self._own, self._began = _host_busy_seconds(), cpu_seconds(), time.monotonic()
        self._marker = _locked_marker()
        self.other_runs = _count_other_markers(self._marker.name)
        return self

    def __exit__(self, *failure: object) -> None:
        self.other_runs = max(self.other_runs, _count_other_markers(self._marker.name))
        Path(self._marker.name).unlink(missing_ok=True)
        self._marker.close()
        others = _host_busy_seconds() - self._host - (cpu_seconds() - self._own)
        seconds = time.monotonic() - self._began
        # The kernel counts hundredths of a second on each core, which is too coarse for a shorter run.
        self.other_cores = max(0.0, others / seconds) if seconds >= SHORTEST_SECONDS else 0.0

    def readings(self) -> HostReadings:
        """`contended`: there was another run, or other work left fewer cores than the run has threads."""
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


def _marker_folder() -> Path:
    """The host's folder with a locked file for each run. The kernel releases a lock when its process ends."""
    folder = Path(tempfile.gettempdir()) / "quest-runs"
    with suppress(OSError):
        folder.mkdir(mode=0o1777, exist_ok=True)
        folder.chmod(0o1777)
    return folder


def _locked_marker() -> IO[bytes]:
    folder = _marker_folder()
    marker = tempfile.NamedTemporaryFile(dir=folder if os.access(folder, os.W_OK) else None, delete=False)  # noqa: SIM115
    os.chmod(marker.name, 0o644)
    fcntl.flock(marker, fcntl.LOCK_EX)
    return marker


def _count_other_markers(own: str) -> int:
    return sum(_is_locked(path) for path in _marker_folder().glob("tmp*") if path.name != Path(own).name)


def _is_locked(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as marker:
        try:
            fcntl.flock(marker, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        # A marker is created a moment before it is locked, so only an old one was certainly left behind.
        if time.time() - os.fstat(marker.fileno()).st_mtime > LEFT_OVER_SECONDS:
            path.unlink()
    return False
