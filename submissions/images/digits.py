"""Images of the data sets as PNG files, with their original brightness."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from submissions.images.idx_files import PARTS, PIXEL_MAX, data_home, image
from submissions.images.png import data_uri, png


class NoImage(LookupError):
    """There is no image with that index, or its data set is not available."""


def image_png(dataset: str, part: str, index: int) -> bytes:
    """The image as a PNG file. Raises NoImage."""
    return _render(data_home(), dataset, part, index)


@lru_cache(maxsize=20_000)  # of about 500 bytes each; a missing image is not cached
def _render(home: Path, dataset: str, part: str, index: int) -> bytes:
    found = image(dataset, part, index) if dataset in PIXEL_MAX and part in PARTS else None
    if found is None:
        raise NoImage(f"{dataset} {part} {index}")
    pixels, width, height = found
    pixel_max = PIXEL_MAX[dataset]
    return png(bytes(pixel * 255 // pixel_max for pixel in pixels), width, height)


def image_uri(dataset: str, part: str, index: int) -> str:
    """The image as a data URI, which saves a page a hundred requests; empty if there is none."""
    try:
        return data_uri(image_png(dataset, part, index))
    except NoImage:
        return ""
