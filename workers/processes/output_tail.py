"""The end of what a process prints, kept for whoever wants to know why it ended."""

from __future__ import annotations

import os
import select
import threading
from typing import IO

TAIL_BYTES = 64 * 1024
READ_BYTES = 1 << 16


class LastWords:
    """The last 64 KB from a pipe, which a thread keeps empty: a full one would stop the process that prints."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._kept = bytearray()
        self._ended = False
        self._lock = threading.Lock()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __str__(self) -> str:
        with self._lock:
            self._catch_up()
            # Postgres takes no NUL in a text.
            return self._kept.decode(errors="replace").replace("\0", "\ufffd")

    def forget(self) -> None:
        with self._lock:
            self._catch_up()
            self._kept.clear()

    def join(self, timeout: float) -> None:
        """Wait until the other end has closed, and all was read."""
        self._listener.join(timeout)

    def _listen(self) -> None:
        with self._pipe:
            while not self._ended:
                select.select([self._pipe], [], [])
                with self._lock:
                    self._catch_up()

    def _catch_up(self) -> None:
        """Read what is there already: a message may overtake what was printed before it, on its way to the thread."""
        while not self._ended and select.select([self._pipe], [], [], 0)[0]:
            chunk = os.read(self._pipe.fileno(), READ_BYTES)
            self._ended = not chunk
            self._kept += chunk
            del self._kept[:-TAIL_BYTES]
