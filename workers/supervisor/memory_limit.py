"""A run's memory limit: the quest's, and once the machine has no memory left, the run's share of it."""

from __future__ import annotations

import psutil

# With less than this free, the kernel is about to kill a process, perhaps another group's.
LEAST_FREE = 400 << 20


def excess(used: int, *, allowed_mb: int, slots: int) -> str:
    """The reason to end a run that uses `used` bytes; empty if there is none."""
    if used > allowed_mb << 20:
        return f"It needed more memory than the quest allows ({allowed_mb:,} MB)."
    machine = psutil.virtual_memory()
    share = machine.total // max(1, slots)
    if used > share and machine.available < LEAST_FREE:
        return f"Its machine ran out of memory while it used more than its share ({share >> 20:,} MB)."
    return ""
