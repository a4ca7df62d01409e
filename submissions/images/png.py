"""Writes greyscale PNG files without an imaging library.

W3C, Portable Network Graphics (PNG) Specification: a signature, then chunks of length, name, data and CRC.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable, Sequence

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, GREY_AND_ALPHA = 0, 4
NO_FILTER = b"\0"


def png(pixels: bytes, width: int, height: int) -> bytes:
    """A PNG file of `width` × `height` grey values, one byte each, 0 for black."""
    rows = (pixels[start : start + width] for start in range(0, width * height, width))
    return _file(rows, width, height, GREY)


def strip(pictures: Sequence[bytes], width: int, height: int, *, gap: int = 2) -> bytes:
    """A PNG file of equally large pictures side by side, with transparent gaps of `gap` pixels."""
    between = bytes(2 * gap)
    rows = (
        between.join(_opaque(picture[start : start + width]) for picture in pictures)
        for start in range(0, width * height, width)
    )
    return _file(rows, len(pictures) * (width + gap) - gap, height, GREY_AND_ALPHA)


def data_uri(file: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"


def _opaque(greys: bytes) -> bytes:
    pairs = bytearray(b"\xff" * (2 * len(greys)))
    pairs[::2] = greys
    return bytes(pairs)


def _file(rows: Iterable[bytes], width: int, height: int, kind: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    values = zlib.compress(b"".join(NO_FILTER + row for row in rows))
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", values) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
