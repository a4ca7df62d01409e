"""A child process that exchanges JSON lines: one object a line on its stdin, one a line back on its stdout."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

READ_BYTES = 1 << 16


class ChildGone(OSError):
    """The child has ended, or no longer reads."""


class JsonLinesChild:
    """Starts a child, writes lines to it, reads lines from it, and ends it with everything that it started.

    The child ends with this process if it exits at the end of its stdin. PR_SET_PDEATHSIG is for the child to ask for:
    it fires when the *thread* that started the child ends, so it suits children of a main thread alone.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0  # the process that started it: a fork inherits this object, but the child is not the fork's
        self._ended = True
        self._unread = bytearray()

    def launch(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stderr: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start `command` in a session of its own: Ctrl-C does not reach it, and `kill` ends all of the session."""
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        self._owner, self._ended = os.getpid(), False
        self._unread.clear()
        os.set_blocking(self._descriptor("stdin"), False)
        return self._process

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """None while it lives or before it was started; −9 for SIGKILL, as in `subprocess`."""
        return self._process.poll() if self._process else None

    def alive(self) -> bool:
        return self._process is not None and self._owner == os.getpid() and self._process.poll() is None

    def write_line(self, message: Mapping[str, Any], *, deadline: float | None = None) -> None:
        """Write the whole line; ChildGone if the child does not take it by `deadline`, on the monotonic clock.

        The child is unusable after that: it may have read half a line.
        """
        left = memoryview(json.dumps(message).encode() + b"\n")
        while left:
            if not self._wait_for("stdin", selectors.EVENT_WRITE, deadline):
                raise ChildGone("it does not read its input")
            try:
                left = left[os.write(self._descriptor("stdin"), left) :]
            except OSError as error:
                raise ChildGone(str(error)) from error

    def read_line(self, *, deadline: float) -> bytes | None:
        """The next line without its end, or None if there is none by `deadline`; ChildGone after the last one."""
        while b"\n" not in self._unread:
            if self._ended:
                raise ChildGone("it has ended")
            if not self._wait_for("stdout", selectors.EVENT_READ, deadline):
                return None
            chunk = os.read(self._descriptor("stdout"), READ_BYTES)
            if not chunk:
                raise ChildGone("it has ended")
            self._unread += chunk
        line, _, rest = self._unread.partition(b"\n")
        self._unread[:] = rest
        return bytes(line)

    def kill(self) -> None:
        """End the child and its whole session at once. Nothing happens if that was done, or in a fork of its owner."""
        if self._process is None or self._ended:
            return
        if self._owner == os.getpid():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._ended = True
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close() if pipe else None

    def _descriptor(self, name: str) -> int:
        return int(getattr(self._process, name).fileno())

    def _wait_for(self, name: str, event: int, deadline: float | None) -> bool:
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor(name), event)
            return bool(selector.select(timeout))
