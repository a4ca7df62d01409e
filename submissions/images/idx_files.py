"""Reads the data sets' IDX files: their headers, single images, and all labels of a part.

IDX, in which MNIST is distributed: two zero bytes, a type (8: unsigned byte), the number of dimensions, their sizes as
big-endian 32-bit integers, then the values. Nothing is downloaded or verified here: workers do that.
"""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
PARTS = {"train": (TRAIN_IMAGES, TRAIN_LABELS), "test": (TEST_IMAGES, TEST_LABELS)}

PIXEL_MAX: dict[str, int] = {"mnist": 255, "fashion-mnist": 255, "digits": 16}

UNSIGNED_BYTE = 8
PROJECT = Path(__file__).resolve().parents[2]


class IdxError(ValueError):
    """The file is not a complete IDX file of unsigned bytes."""


def data_home() -> Path:
    """QUEST_DATA_HOME, else the folder `data` of QUEST_HOME (default `var` in the project)."""
    home = os.environ.get("QUEST_DATA_HOME") or Path(os.environ.get("QUEST_HOME") or PROJECT / "var") / "data"
    return Path(home).absolute()


def shape_of(path: Path) -> tuple[int, ...]:
    """The dimensions in the header. Raises IdxError unless exactly that many values follow."""
    with path.open("rb") as file:
        head = file.read(4)
        if len(head) < 4 or head[:3] != bytes((0, 0, UNSIGNED_BYTE)):
            raise IdxError(f"{path.name} does not start as an IDX file of unsigned bytes")
        sizes = file.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise IdxError(f"{path.name} ends within its header")
    shape = struct.unpack(f">{head[3]}I", sizes)
    expected = 4 + len(sizes) + math.prod(shape)
    if path.stat().st_size != expected:
        raise IdxError(f"{path.name} has {path.stat().st_size:,} bytes instead of {expected:,}")
    return shape


def labels(dataset: str, part: str = "test") -> bytes | None:
    """The labels of a data set's part, one byte each; None if its file is missing or broken."""
    path = data_home() / dataset / PARTS[part][1]
    try:
        count = math.prod(shape_of(path))
        return path.read_bytes()[-count:] if count else b""
    except (OSError, IdxError):
        return None


def image(dataset: str, part: str, index: int) -> tuple[bytes, int, int] | None:
    """(pixels, width, height) of an image, one byte per pixel, row by row; None if there is no such image or file."""
    path = data_home() / dataset / PARTS[part][0]
    try:
        count, height, width = shape_of(path)
        if index >= count:
            return None
        with path.open("rb") as file:
            file.seek(4 + 3 * 4 + index * height * width)
            return file.read(height * width), width, height
    except (OSError, ValueError):
        return None
