"""Processes that must not outlive the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int | None = None, *, by: int = signal.SIGKILL) -> None:
    """Have the kernel send signal `by` once the *thread* that started this process ends (Linux; elsewhere nothing).

    With `parent`, the process id that it should have, leaves at once if that one was gone before this was called.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)
    if parent is not None and os.getppid() != parent:
        os._exit(1)
