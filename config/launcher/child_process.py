"""A process that the launcher starts: it has its own session, and it never outlives the launcher."""

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


class RestartLimitReached(Exception):
    """A process ended MOST_RESTARTS times within RESTART_WINDOW_S."""


@dataclass
class Child:
    """One process, restarted when it ends by itself.

    The kernel sends `death_signal` to it if the launcher is killed. The default is KILL: a worker that is asked to
    leave would wait for its broker, which leaves at the same time.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    death_signal: int = signal.SIGKILL
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.starts.append(time.monotonic())
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, by=self.death_signal),
        )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def restart_if_ended(self) -> bool:
        """Start the process again if it has ended. Raises RestartLimitReached if that happened too often."""
        if self.alive:
            return False
        code = self.process.returncode if self.process else None
        recent = [at for at in self.starts if time.monotonic() - at < RESTART_WINDOW_S]
        if len(recent) >= MOST_RESTARTS:
            raise RestartLimitReached(
                f"{self.name} ended {len(recent)} times in a minute (exit code {code}); see above for why."
            )
        sys.stderr.write(f"{self.name} ended (exit code {code}); restarting it.\n")
        self.start()
        return True

    def terminate(self) -> None:
        """Ask the process to end; do not wait for it."""
        if self.process and self.alive:
            self.process.terminate()

    def wait_or_kill(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for the process to end, then kill it and its whole session."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout=max(0.0, timeout))
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"{self.name} did not end in time and is killed.\n")
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
