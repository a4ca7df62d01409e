"""A lock so that each kernel is compiled once on a machine: the second process waits and finds it in numba's cache."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def compile_lock(name: str) -> Iterator[None]:
    """Hold the lock `name`, which all processes with the same numba cache share; OSError if the cache is read-only."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or tempfile.gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
