"""What a trainer's insight shows, as pictures for a page. The trainer's side reads here how large one may be."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from submissions.images.png import data_uri, png, strip

MOST_BYTES = 200_000  # as JSON


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG as a data URI, with the size in pixels that it has."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LayerLook:
    """A network's first layer: its kernels, and for each test digit a strip of what they make of it."""

    layer: str
    count: int
    kernels: list[Picture]
    side: tuple[int, int]
    maps: list[tuple[int, Picture]] = field(default_factory=list)
    channels: int = 0
    shown: int = 0


@dataclass(frozen=True, slots=True)
class ImportanceLook:
    """How much each pixel counts for a forest; `unused` of them do not count at all."""

    picture: Picture
    pixels: int
    unused: int


def parse_insight(data: dict[str, Any]) -> LayerLook | ImportanceLook | list[dict[str, Any]] | None:
    """What `data` shows: of nearest neighbours, its wrong digits as they are. None if there is nothing to see."""
    match data.get("kind"):
        case "layer":
            return _layer(data)
        case "importances":
            return _importances(data)
        case "neighbours":
            return list(data["wrong"])
    return None


def _layer(data: dict[str, Any]) -> LayerLook:
    kernels, height, width = _unpacked(data["kernels"])
    pictures = [Picture(data_uri(png(kernel, width, height)), width, height) for kernel in kernels]
    look = LayerLook(data["layer"], data["count"], pictures, (height, width))
    if "maps" not in data:
        return look
    maps, height, width = _unpacked(data["maps"])
    shown = len(maps) // len(data["digits"])
    strips = [_strip(maps[place * shown :][:shown], width, height) for place in range(len(data["digits"]))]
    rows = list(zip(data["digits"], strips, strict=True))
    return LayerLook(look.layer, look.count, pictures, look.side, rows, data["channels"], shown)


def _strip(maps: Sequence[bytes], width: int, height: int) -> Picture:
    return Picture(data_uri(strip(maps, width, height)), len(maps) * (width + 2) - 2, height)


def _importances(data: dict[str, Any]) -> ImportanceLook:
    height, width = data["shape"]
    values, most = data["values"], max(data["values"])
    # The square root: a few pixels count so much more than the rest that those would all look like none.
    greys = bytes(round(255 * math.sqrt(value / most)) if most else 0 for value in values)
    return ImportanceLook(Picture(data_uri(png(greys, width, height)), width, height), len(values), values.count(0))


def _unpacked(packed: dict[str, Any]) -> tuple[list[bytes], int, int]:
    """The pictures one after the other, with their height and width."""
    *_count, height, width = packed["shape"]
    pixels = base64.b64decode(packed["pixels"])
    size = height * width
    return [pixels[start : start + size] for start in range(0, len(pixels), size)], height, width
