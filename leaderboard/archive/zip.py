"""A finished quest as a zip of plain pages, pictures and data, which opens from a disk without a server.

It contains public information only: pseudonyms if the quest uses them, no hidden models, no names of persons.
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
    """The zip in chunks; at most one page of it is in memory at a time."""
    return zipped(files(quest), folder=slugify(f"{quest.name} {quest.course}") or f"quest-{quest.pk}")


def files(quest: Quest) -> Iterator[File]:
    """Each file's name and content. The charts come last: they take the longest to draw."""
    visibility = visibility_for(quest, None)
    yield from page_files(visibility)
    yield from data_files(visibility)
    yield from chart_files(visibility)


def zipped(files: Iterable[File], *, folder: str) -> Iterator[bytes]:
    """The files as a zip in chunks, all below `folder`."""
    out, now = _ChunkBuffer(), timezone.localtime().timetuple()[:6]
    with ZipFile(out, "w") as zip_file:
        for name, parts in files:
            entry = ZipInfo(f"{folder}/{name}", now)
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            with zip_file.open(entry, "w") as target:
                for part in parts:
                    target.write(part)
                    if out.waiting > 1 << 16:
                        yield out.take()
            yield out.take()
    yield out.take()


class _ChunkBuffer(io.RawIOBase):
    """A file that cannot seek, which makes ZipFile write forwards only; `take` removes what was written so far."""

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
