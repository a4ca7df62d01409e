"""A finished quest as a zip of plain pages, pictures and data, which opens from a disk without any server.

It holds what anybody may see: pseudonyms where the quest has them, no model that it hides, nobody's name.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.utils import timezone
from django.utils.text import slugify

from leaderboard.archive.charts import chart_files
from leaderboard.archive.data import data_files
from leaderboard.archive.pages import page_files
from submissions.models import Quest
from submissions.quests.visibility import visibility_for

File = tuple[str, Iterable[bytes]]


def archive(quest: Quest) -> Iterator[bytes]:
    """The zip, piece by piece: no more than a page of it is held at a time."""
    return zipped(files(quest), folder=slugify(f"{quest.name} {quest.course}") or f"quest-{quest.pk}")


def files(quest: Quest) -> Iterator[File]:
    """Each file's name and content. The charts come last: they take the longest to draw."""
    seen = visibility_for(quest, None)
    yield from page_files(seen)
    yield from data_files(seen)
    yield from chart_files(seen)


def zipped(files: Iterable[File], *, folder: str) -> Iterator[bytes]:
    out, now = _Outgoing(), timezone.localtime().timetuple()[:6]
    with ZipFile(out, "w") as bag:
        for name, parts in files:
            entry = ZipInfo(f"{folder}/{name}", now)
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            with bag.open(entry, "w") as into:
                for part in parts:
                    into.write(part)
                    if out.waiting > 1 << 16:
                        yield out.take()
            yield out.take()
    yield out.take()


class _Outgoing(io.RawIOBase):
    """Where the zip is written: there is no way back in it, and what has been written can be taken away at once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.waiting = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        self.waiting += len(data)
        return len(data)

    def take(self) -> bytes:
        taken, self._parts, self.waiting = b"".join(self._parts), [], 0
        return taken
