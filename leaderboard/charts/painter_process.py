"""The web's end of the painter: starts it when the first picture is asked for, and waits no longer than it may."""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 9.0  # that a web thread waits at most, for its turn and its picture together
HUNG_SECONDS = 45.0  # a painter that has been at one picture for so long is given up; its first one takes a while
MOST_WAITING = 6  # web threads, for the five charts of a page without scripts; the others serve the rest of the site
_PROJECT = Path(__file__).resolve().parent.parent.parent
_READ_BYTES = 1 << 16


def soon() -> float:
    """Until when somebody who asks now waits, by the monotonic clock."""
    return time.monotonic() + PATIENCE_SECONDS


class NoPicture(RuntimeError):
    """There is no picture: the painter took too long, failed, or died."""


class PictureNotReady(NoPicture):
    """There is no picture yet: soon there will be."""


class Painter:
    """One painter for all threads of this process, one order at a time.

    The painter ends when its standard input does, that is with this process. No PR_SET_PDEATHSIG here: it would end
    the painter together with the *thread* that happened to start it.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_WAITING)
        self._painter: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._unread = bytearray()
        self._at_it_since: float | None = None  # an order whose answer has not been read

    def ask(self, order: dict[str, Any], *, until: float) -> dict[str, Any]:
        """The painter's answer; Late if it is not there at `until` by the monotonic clock, NoPicture if it failed."""
        if not self._places.acquire(blocking=False):
            raise PictureNotReady("Too many pictures are being drawn.")
        try:
            return self._in_turn(order, until)
        finally:
            self._places.release()

    def wake(self) -> None:
        """Have a painter ready soon: somebody is about to ask for pictures."""
        if self._turn.acquire(blocking=False):
            try:
                self._living()
            finally:
                self._turn.release()

    @property
    def pid(self) -> int | None:
        return self._painter.pid if self._painter else None

    def close(self) -> None:
        """End the painter; the next order starts another one."""
        painter, self._painter = self._painter, None
        self._unread.clear()
        self._at_it_since = None
        if painter is not None and self._owner == os.getpid():
            painter.kill()
            painter.wait()
            for pipe in (painter.stdin, painter.stdout):
                with suppress(OSError):
                    pipe.close() if pipe else None

    def _in_turn(self, order: dict[str, Any], until: float) -> dict[str, Any]:
        if not self._turn.acquire(timeout=max(0.0, until - time.monotonic())):
            raise PictureNotReady("Other pictures took too long.")
        try:
            return self._ask(order, until)
        finally:
            self._turn.release()

    def _ask(self, order: dict[str, Any], deadline: float) -> dict[str, Any]:
        painter = self._living()
        try:
            if self._at_it_since is not None:
                self._receive(painter, deadline)  # the picture that was late for whoever had asked for it
            self._at_it_since = time.monotonic()
            _write(painter, json.dumps(order).encode() + b"\n", deadline)
            answer = self._receive(painter, deadline)
        except TimeoutError as error:
            raise PictureNotReady(str(error)) from error
        except (OSError, ValueError) as error:
            self.close()
            raise NoPicture(str(error)) from error
        if "error" in answer:
            raise NoPicture(answer["error"])
        return answer

    def _receive(self, painter: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
        assert painter.stdout
        while b"\n" not in self._unread:
            _ready(painter.stdout.fileno(), selectors.EVENT_READ, deadline)
            chunk = os.read(painter.stdout.fileno(), _READ_BYTES)
            if not chunk:
                raise OSError("The painter is gone.")
            self._unread += chunk
        line, _, rest = self._unread.partition(b"\n")
        self._unread[:] = rest
        self._at_it_since = None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _living(self) -> subprocess.Popen[bytes]:
        painter = self._painter
        hung = self._at_it_since is not None and time.monotonic() - self._at_it_since > HUNG_SECONDS
        if painter is None or painter.poll() is not None or self._owner != os.getpid() or hung:
            self.close()
            painter = self._painter = _start()
            self._owner = os.getpid()
        return painter


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "leaderboard.charts.painter"],
        cwd=_PROJECT,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the web process, which then ends this one
    )


def _write(painter: subprocess.Popen[bytes], data: bytes, deadline: float) -> None:
    """The whole order, or an OSError: half an order is no use to anybody."""
    assert painter.stdin
    descriptor = painter.stdin.fileno()
    os.set_blocking(descriptor, False)
    view = memoryview(data)
    while view:
        try:
            _ready(descriptor, selectors.EVENT_WRITE, deadline)
        except TimeoutError as error:
            raise BrokenPipeError("The painter does not listen.") from error
        view = view[os.write(descriptor, view) :]


def _ready(descriptor: int, event: int, deadline: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, event)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise TimeoutError("The picture took too long.")


studio = Painter()
atexit.register(studio.close)
