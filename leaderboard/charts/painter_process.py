"""The web process's side of the painter: starts it for the first picture, and limits how long a request waits."""

from __future__ import annotations

import atexit
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from submissions.processes.json_lines_child import JsonLinesChild

PATIENCE_SECONDS = 9.0  # the longest that a web thread waits for its turn and its picture together
HUNG_SECONDS = 45.0  # a painter that takes longer for a picture is replaced; its first one is slow
MOST_WAITING = 6  # web threads, for the five charts of a page without scripts; the others serve the rest of the site
_PROJECT = Path(__file__).resolve().parent.parent.parent


def reply_deadline() -> float:
    """The time, on the monotonic clock, until which a request that arrives now waits."""
    return time.monotonic() + PATIENCE_SECONDS


class NoPicture(RuntimeError):
    """There is no picture: the painter failed, died, or took too long."""


class PictureNotReady(NoPicture):
    """There is no picture yet; ask again soon."""


class Painter(JsonLinesChild):
    """One painter for all threads of this process, one order at a time.

    The painter ends when its standard input does, which is when this process ends. It must not ask for
    PR_SET_PDEATHSIG: that would end the painter together with the web *thread* that happened to start it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_WAITING)
        self._busy_since: float | None = None  # set while the answer to an order has not been read

    def ask(self, order: dict[str, Any], *, until: float) -> dict[str, Any]:
        """The painter's answer to `order`.

        Raises PictureNotReady if it has not come by `until`, on the monotonic clock, and NoPicture if it failed.
        """
        if not self._places.acquire(blocking=False):
            raise PictureNotReady("Too many pictures are being drawn.")
        try:
            return self._in_turn(order, until)
        finally:
            self._places.release()

    def wake(self) -> None:
        """Start a painter before the first picture is requested, unless one is running."""
        if self._turn.acquire(blocking=False):
            try:
                self._ensure_running()
            finally:
                self._turn.release()

    def close(self) -> None:
        """End the painter; the next order starts another one."""
        self.kill()
        self._busy_since = None

    def _in_turn(self, order: dict[str, Any], until: float) -> dict[str, Any]:
        if not self._turn.acquire(timeout=max(0.0, until - time.monotonic())):
            raise PictureNotReady("Other pictures took too long.")
        try:
            return self._answer(order, until)
        finally:
            self._turn.release()

    def _answer(self, order: dict[str, Any], until: float) -> dict[str, Any]:
        self._ensure_running()
        try:
            if self._busy_since is not None:
                self._read_answer(until)  # the late picture of a request that has given up
            self._busy_since = time.monotonic()
            self.write_line(order, deadline=until)
            answer = self._read_answer(until)
        except (OSError, ValueError) as error:
            self.close()
            raise NoPicture(f"The painter failed: {error}.") from error
        if "error" in answer:
            raise NoPicture(answer["error"])
        return answer

    def _read_answer(self, until: float) -> dict[str, Any]:
        line = self.read_line(deadline=until)
        if line is None:
            raise PictureNotReady("The picture took too long.")
        self._busy_since = None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ensure_running(self) -> None:
        hung = self._busy_since is not None and time.monotonic() - self._busy_since > HUNG_SECONDS
        if hung or not self.alive():
            self.close()
            self.launch([sys.executable, "-m", "leaderboard.charts.painter"], cwd=_PROJECT)


painter = Painter()
atexit.register(painter.close)
