"""How much memory a run may take: what its quest allows, and no more than its share once the machine has none left."""

from __future__ import annotations

import psutil

# With less than this free the kernel is about to choose a process to kill, and may choose another group's.
LEAST_FREE = 400 << 20


def excess(used: int, *, allowed_mb: int, slots: int) -> str:
    """Why a run that takes `used` bytes must end; empty where it need not."""
    if used > allowed_mb << 20:
        return f"It needed more memory than the quest allows ({allowed_mb:,} MB)."
    machine = psutil.virtual_memory()
    share = machine.total // max(1, slots)
    if used > share and machine.available < LEAST_FREE:
        return f"Its machine ran out of memory while it took more than its share of it ({share >> 20:,} MB)."
    return ""
