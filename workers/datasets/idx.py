"""IDX files as arrays; `submissions.images.idx_files` describes the format."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from submissions.images.idx_files import UNSIGNED_BYTE, IdxError, shape_of

__all__ = ["IdxError", "Pixels", "mapped", "sha256", "shape_of", "write"]

Pixels = npt.NDArray[np.uint8]

CHUNK = 1 << 20


def mapped(path: Path) -> Pixels:
    """The file's values, uint8, memory-mapped read-only: all trainers on the machine share one copy."""
    shape = shape_of(path)
    return np.memmap(path, dtype=np.uint8, mode="r", offset=4 + 4 * len(shape), shape=shape)


def write(path: Path, values: npt.NDArray[np.generic]) -> None:
    """Write `values`, whole numbers from 0 to 255, as an IDX file."""
    header = bytes((0, 0, UNSIGNED_BYTE, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(header + np.ascontiguousarray(values, dtype=np.uint8).tobytes())


def sha256(path: Path, advance: Callable[[int], object] = lambda read_bytes: None) -> str:
    """The file's SHA-256 in hexadecimal; `advance` is called with the number of bytes of each chunk."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()
