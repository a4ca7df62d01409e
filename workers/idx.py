"""The IDX format, in which MNIST is distributed: two zero bytes, a type (8: unsigned byte), the number of dimensions,
their sizes as big-endian 32-bit integers, then the values."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

UNSIGNED_BYTE = 8
CHUNK = 1 << 20


class IdxError(ValueError):
    """The file is not a whole IDX file of unsigned bytes."""


def shape_of(path: Path) -> tuple[int, ...]:
    """The dimensions that the header names; raises IdxError unless exactly that many values follow it."""
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


def mapped(path: Path) -> Pixels:
    """The values, memory-mapped read-only: every trainer on the machine shares one copy."""
    shape = shape_of(path)
    return np.memmap(path, dtype=np.uint8, mode="r", offset=4 + 4 * len(shape), shape=shape)


def write(path: Path, values: npt.NDArray[np.generic]) -> None:
    """Write `values`, whole numbers of 0–255, as an IDX file."""
    header = bytes((0, 0, UNSIGNED_BYTE, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(header + np.ascontiguousarray(values, dtype=np.uint8).tobytes())


def sha256(path: Path, advance: Callable[[int], object] = lambda read: None) -> str:
    """The file's SHA-256 in hexadecimal; `advance` is told how many bytes were read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()
