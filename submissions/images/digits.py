"""The data sets' images as PNG files, as bright as they are stored."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from submissions.images.idx_files import PARTS, PIXEL_MAX, data_home, image
from submissions.images.png import data_uri, png


class NoImage(LookupError):
    """There is no image of that number, or its data set is not here."""


def image_png(dataset: str, part: str, index: int) -> bytes:
    """Raises NoImage."""
    return _drawn(data_home(), dataset, part, index)


@lru_cache(maxsize=20_000)  # of about 500 bytes each; what is not there is looked for again
def _drawn(home: Path, dataset: str, part: str, index: int) -> bytes:
    found = image(dataset, part, index) if dataset in PIXEL_MAX and part in PARTS else None
    if found is None:
        raise NoImage(f"{dataset} {part} {index}")
    pixels, width, height = found
    most = PIXEL_MAX[dataset]
    return png(bytes(pixel * 255 // most for pixel in pixels), width, height)


def image_uri(dataset: str, part: str, index: int) -> str:
    """The image within a page, for which a hundred requests would cost more; empty where there is none."""
    try:
        return data_uri(image_png(dataset, part, index))
    except NoImage:
        return ""
