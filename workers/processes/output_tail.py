"""The end of a process's output, kept because it often says why the process ended."""

from __future__ import annotations

import os
import select
import threading
from typing import IO

TAIL_BYTES = 64 * 1024
READ_BYTES = 1 << 16


class OutputTail:
    """The last 64 KB from a pipe. A thread empties the pipe all the time: a full one would stop the process."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._tail = bytearray()
        self._closed = False
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read_until_closed, daemon=True)
        self._reader.start()

    def __str__(self) -> str:
        with self._lock:
            self._read_available()
            # Postgres takes no NUL in a text.
            return self._tail.decode(errors="replace").replace("\0", "\ufffd")

    def clear(self) -> None:
        with self._lock:
            self._read_available()
            self._tail.clear()

    def join(self, timeout: float) -> None:
        """Wait until the other end has closed the pipe and everything has been read."""
        self._reader.join(timeout)

    def _read_until_closed(self) -> None:
        with self._pipe:
            while not self._closed:
                select.select([self._pipe], [], [])
                with self._lock:
                    self._read_available()

    def _read_available(self) -> None:
        """Read all that is in the pipe.

        The caller does not wait for the thread: 1. the process prints; 2. it sends an event on another pipe; 3. the
        event is handled before the thread has woken up.
        """
        while not self._closed and select.select([self._pipe], [], [], 0)[0]:
            chunk = os.read(self._pipe.fileno(), READ_BYTES)
            self._closed = not chunk
            self._tail += chunk
            del self._tail[:-TAIL_BYTES]
