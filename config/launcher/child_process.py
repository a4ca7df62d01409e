"""The processes that the launcher starts: each in a session of its own, and none outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from workers.processes.parent_death import die_with_parent

MOST_RESTARTS = 5
RESTART_WINDOW_S = 60.0


class GaveUp(Exception):
    """A process ended again and again."""


@dataclass
class Child:
    """One process, started again when it ends by itself.

    `orphaned` is the signal that it gets should the launcher be killed: KILL, since a worker that is asked to leave
    while its broker leaves too would wait for it.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    orphaned: int = signal.SIGKILL
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.starts.append(time.monotonic())
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, by=self.orphaned),
        )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def revive(self) -> bool:
        """Start it again if it has ended; raises GaveUp when that happened too often."""
        if self.alive:
            return False
        code = self.process.returncode if self.process else None
        recent = [at for at in self.starts if time.monotonic() - at < RESTART_WINDOW_S]
        if len(recent) >= MOST_RESTARTS:
            raise GaveUp(f"{self.name} ended {len(recent)} times in a minute (exit code {code}); see above for why.")
        sys.stderr.write(f"{self.name} has ended (exit code {code}) and is started again.\n")
        self.start()
        return True

    def ask_to_leave(self) -> None:
        if self.process and self.alive:
            self.process.terminate()

    def end(self, patience: float) -> None:
        """Wait `patience` seconds for it to leave, then end it and all that it started."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout=max(0.0, patience))
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"{self.name} did not leave in time and is ended.\n")
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
