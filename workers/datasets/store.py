"""The data sets that models are trained and scored on: IDX files in the data home, verified by their checksums."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from submissions.images.idx_files import PIXEL_MAX, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, data_home
from workers.datasets import idx
from workers.datasets.sources import FILES, SOURCES, Source, SourceError
from workers.processes.protocol import Unfit

SHA256: dict[str, dict[str, str]] = {
    "mnist": {
        TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        TRAIN_IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    "digits": {
        TRAIN_IMAGES: "41e463fb11442353328aed136a72ca93512604a7ae6e294205756d54294c7502",
        TRAIN_LABELS: "f8a600b73e2c056aa42316260206e6643bd33e96bd71cfb8e32b94f76fac4f93",
        TEST_IMAGES: "ee7550fe34409fc27d844b52fd0408fab403b2cc523bb34baa4ebd95b760d882",
        TEST_LABELS: "cf2c8a23974df0c99eb3f36ff34c02acb9be1c84aca7280211ef04bea1135360",
    },
}

NAMES = tuple(SHA256)

SHAPES: dict[str, tuple[int, int]] = {"mnist": (28, 28), "fashion-mnist": (28, 28), "digits": (8, 8)}

STAMP = "verified.json"


class FetchError(Unfit):
    """No source could provide the data set; the message says what was tried and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Images (n, height, width) uint8 from 0 to `pixel_max`, labels (n,) uint8 from 0 to 9; all memory-mapped."""

    name: str
    train_images: idx.Pixels
    train_labels: idx.Pixels
    test_images: idx.Pixels
    test_labels: idx.Pixels
    checksum: str
    pixel_max: int


def ensure(name: str, *, progress: bool = True) -> Path:
    """The folder of the data set's four verified files. Fetches missing or damaged ones; raises FetchError."""
    if name not in NAMES:
        raise FetchError(f"There is no data set {name!r}; there are {', '.join(NAMES)}.")
    folder = data_home() / name
    if _stamped(folder):
        return folder
    with _lock(folder):
        # Another process may have fetched while this one waited for the lock.
        if not _stamped(folder) and not _verify(folder, name):
            _fetch(folder, name, progress)
    return folder


def missing(name: str) -> list[str]:
    """The names of the data set's missing or damaged files; nothing is fetched."""
    folder = data_home() / name
    if _stamped(folder):
        return []
    return [
        file
        for file, expected in SHA256[name].items()
        if not (folder / file).is_file() or idx.sha256(folder / file) != expected
    ]


def load(name: str) -> Dataset:
    """The data set, memory-mapped; fetched first where it is missing."""
    folder = ensure(name)
    return Dataset(
        name=name,
        train_images=idx.mapped(folder / TRAIN_IMAGES),
        train_labels=idx.mapped(folder / TRAIN_LABELS),
        test_images=idx.mapped(folder / TEST_IMAGES),
        test_labels=idx.mapped(folder / TEST_LABELS),
        checksum=checksum(name),
        pixel_max=PIXEL_MAX[name],
    )


def checksum(name: str) -> str:
    """The SHA-256 of the four files' checksums in the order of `FILES`: one for the whole data set."""
    return hashlib.sha256("".join(SHA256[name][file] for file in FILES).encode()).hexdigest()


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise FetchError(
            f"Cannot write to {folder} ({error.strerror}); set QUEST_DATA_HOME to another folder."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _file_stats(folder: Path) -> dict[str, list[int]]:
    """Size and modification time of each file, which reveal a change since the verification."""
    stats = {file: (folder / file).stat() for file in FILES}
    return {file: [stat.st_size, stat.st_mtime_ns] for file, stat in stats.items()}


def _stamped(folder: Path) -> bool:
    """Whether the files are unchanged since they were verified: hashing 55 MB each time would take 0.1 s."""
    try:
        return bool(json.loads((folder / STAMP).read_text()) == _file_stats(folder))
    except (OSError, ValueError):
        return False


def _verify(folder: Path, name: str) -> bool:
    """Whether all four files have the right checksums. Then stamps them; otherwise deletes the damaged ones."""
    complete = True
    for file, expected in SHA256[name].items():
        path = folder / file
        if not path.is_file():
            complete = False
        elif idx.sha256(path) != expected:
            path.unlink()
            complete = False
    if complete:
        _replace(folder / STAMP, json.dumps(_file_stats(folder)).encode())
    return complete


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    os.replace(new, path)


def _fetch(folder: Path, name: str, progress: bool) -> None:
    refusals = []
    for source in SOURCES[name]:
        try:
            _fetch_from(source, folder, name, progress)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a source, the next one may work
            refusals.append(f"{source.label}: {error}")
        if _verify(folder, name):
            return
    raise FetchError(
        f"The data set {name} could not be fetched ({'; '.join(refusals)}). Put its four IDX files "
        f"({', '.join(FILES)}; gzipped or not) into a folder and set QUEST_DATA to it."
    )


def _fetch_from(source: Source, folder: Path, name: str, progress: bool) -> None:
    """Take from `source` only files whose checksums are right."""
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as new:
        source.fetch(name, Path(new), partial(tqdm, unit="B", unit_scale=True, disable=not progress))
        wrong = [
            file
            for file in FILES
            if (Path(new) / file).is_file() and not _keep_if_right(Path(new) / file, folder, name)
        ]
    if wrong:
        raise SourceError(f"{', '.join(wrong)} had another checksum")


def _keep_if_right(path: Path, folder: Path, name: str) -> bool:
    right = idx.sha256(path) == SHA256[name][path.name]
    if right:
        os.replace(path, folder / path.name)
    return right
