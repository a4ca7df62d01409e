"""For processes that must not outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int | None = None, *, by: int = signal.SIGKILL) -> None:
    """Have the kernel send signal `by` once the *thread* that started this process ends (Linux; elsewhere no effect).

    `parent` is the expected parent's process id. If that one ended before this call, the kernel sends nothing, so this
    process exits at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)
    if parent is not None and os.getppid() != parent:
        os._exit(1)
