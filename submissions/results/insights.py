"""Turns a trainer's insight into pictures for a page; `MAX_BYTES` also limits what the trainer collects."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from submissions.images.png import data_uri, png, strip

MAX_BYTES = 200_000  # as JSON


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG as a data URI; width and height are in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LayerPictures:
    """A network's first layer: its kernels, and for some test digits a strip of feature maps.

    `maps` is a list of (test index, strip); `shown` of the `channels` are in each strip; `side` is (height, width).
    """

    layer: str
    count: int
    kernels: list[Picture]
    side: tuple[int, int]
    maps: list[tuple[int, Picture]] = field(default_factory=list)
    channels: int = 0
    shown: int = 0


@dataclass(frozen=True, slots=True)
class ImportanceMap:
    """A forest's importance of each pixel; `unused` pixels have importance 0."""

    picture: Picture
    pixels: int
    unused: int


def parse_insight(data: dict[str, Any]) -> LayerPictures | ImportanceMap | list[dict[str, Any]] | None:
    """The pictures in `data`, or for nearest neighbours its list of wrong digits; None if there is nothing to show."""
    match data.get("kind"):
        case "layer":
            return _layer(data)
        case "importances":
            return _importances(data)
        case "neighbours":
            return list(data["wrong"])
    return None


def _layer(data: dict[str, Any]) -> LayerPictures:
    kernels, height, width = _unpack(data["kernels"])
    pictures = [Picture(data_uri(png(kernel, width, height)), width, height) for kernel in kernels]
    pictured = LayerPictures(data["layer"], data["count"], pictures, (height, width))
    if "maps" not in data:
        return pictured
    maps, height, width = _unpack(data["maps"])
    shown = len(maps) // len(data["digits"])
    strips = [_strip(maps[place * shown :][:shown], width, height) for place in range(len(data["digits"]))]
    rows = list(zip(data["digits"], strips, strict=True))
    return LayerPictures(pictured.layer, pictured.count, pictures, pictured.side, rows, data["channels"], shown)


def _strip(maps: Sequence[bytes], width: int, height: int) -> Picture:
    return Picture(data_uri(strip(maps, width, height)), len(maps) * (width + 2) - 2, height)


def _importances(data: dict[str, Any]) -> ImportanceMap:
    height, width = data["shape"]
    values, peak = data["values"], max(data["values"])
    # On a square-root scale: a few pixels count so much more that all others would look like 0.
    greys = bytes(round(255 * math.sqrt(value / peak)) if peak else 0 for value in values)
    return ImportanceMap(Picture(data_uri(png(greys, width, height)), width, height), len(values), values.count(0))


def _unpack(packed: dict[str, Any]) -> tuple[list[bytes], int, int]:
    """The pictures as bytes of `height * width` grey values each, with height and width."""
    *_count, height, width = packed["shape"]
    pixels = base64.b64decode(packed["pixels"])
    size = height * width
    return [pixels[start : start + size] for start in range(0, len(pixels), size)], height, width
