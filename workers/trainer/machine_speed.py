"""The speed of this machine, compared with the one that the formulas for running times were fitted on."""

from __future__ import annotations

import json
import os
import platform
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from workers.datasets import store

REPEATS = 5
# The best CPU time of `_task`, in seconds, on the reference machine: one of two cores of an Intel Xeon with AMX.
REFERENCE_S = 0.026


def slowness() -> float:
    """The time of one core here divided by its time on the reference machine; from the best measurement so far."""
    return (_stored() or measure()) / REFERENCE_S


def measure() -> float:
    """Measure in a fifth of a second, and store the best time: earlier ones may have suffered from other work."""
    best = min(filter(None, (_stored(), best_task_seconds())))
    with suppress(OSError):
        new = store_file().with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps({"seconds": best}))
        os.replace(new, store_file())
    return best


def store_file() -> Path:
    """A file for each machine, since several may share a data home."""
    return store.data_home() / f"pace-{platform.node() or 'here'}.json"


def _stored() -> float | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads(store_file().read_text())["seconds"])
    return None


def best_task_seconds() -> float:
    left, unsorted = _material()
    with threadpool_limits(1):
        return min(_task(left, unsorted) for _ in range(REPEATS))


def _task(left: np.ndarray, unsorted: np.ndarray) -> float:
    """CPU seconds of a matrix product, as in nearest neighbours and networks, and of a sort, as in trees."""
    began = time.thread_time()
    left @ left.T
    np.sort(unsorted, kind="stable")
    return time.thread_time() - began


@cache
def _material() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.random((1000, 784)), random.random(150_000)
