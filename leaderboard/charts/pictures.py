"""Figures as Vega specifications, SVG and PNG. Results are cached by their content."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.core.cache import caches
from django.http import QueryDict

from leaderboard.charts.figure import Figure
from leaderboard.charts.painter_process import painter, reply_deadline

CACHE_SECONDS = 3600
MOST_DRAWINGS = 300
PAPER = {"light": "#ffffff", "dark": "#1b1c1a"}
PNG_SCALE = {"wide": 2, "narrow": 2, "wall": 1}

# By cache key: the drawings that this process has compiled or read from the cache. A test may clear it.
compiled_drawings: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class PictureStyle:
    """The format and colour scheme of a picture, by their names in `drawings`."""

    format: str = "wide"
    scheme: str = "light"

    @classmethod
    def read(cls, asked: QueryDict) -> PictureStyle:
        """The style from the flags `?wall`, `?narrow` and `?dark`."""
        format = next((name for name in ("wall", "narrow") if name in asked), "wide")
        return cls(format, "dark" if "dark" in asked else "light")


def vega(figure: Figure, style: PictureStyle, *, until: float | None = None) -> dict[str, Any]:
    """The Vega specification with the figure's data, for the browser or the painter. Raises NoPicture."""
    drawn = _compiled(figure, style, until or reply_deadline())
    data = [
        {**source, "values": figure.data[source["name"]]} if source["name"] in figure.data else source
        for source in drawn.get("data", [])
    ]
    signals = [
        {**signal, "value": figure.limits[signal["name"]]} if signal["name"] in figure.limits else signal
        for signal in drawn.get("signals", [])
    ]
    return {**drawn, "data": data, "signals": signals}


def svg(figure: Figure, style: PictureStyle) -> str:
    until = reply_deadline()
    picture: str = _cached({"do": "svg", "vega": vega(figure, style, until=until)}, until)
    return picture


def png(figure: Figure, style: PictureStyle) -> bytes:
    """The picture with the page's background, so that it is readable wherever it is pasted."""
    until = reply_deadline()
    drawn = vega(figure, style, until=until) | {"background": PAPER[style.scheme]}
    return base64.b64decode(_cached({"do": "png", "vega": drawn, "scale": PNG_SCALE[style.format]}, until))


def _compiled(figure: Figure, style: PictureStyle, until: float) -> dict[str, Any]:
    """The drawing without data. It is the same for all readers, so only the first one waits for the painter."""
    order = {
        "do": "compile",
        "chart": figure.name,
        "format": style.format,
        "scheme": style.scheme,
        "words": figure.words,
    }
    key = _key(order)
    if key not in compiled_drawings:
        if len(compiled_drawings) >= MOST_DRAWINGS:
            compiled_drawings.clear()
        compiled_drawings[key] = _cached(order, until, seconds=None)
    return compiled_drawings[key]


def _cached(order: dict[str, Any], until: float, *, seconds: int | None = CACHE_SECONDS) -> Any:
    key = _key(order)
    answer = _read_cache(key)
    if answer is None:
        answer = painter.ask(order, until=until)[order["do"]]
        with suppress(OSError):  # a full disk must not hide the picture
            caches["charts"].set(key, answer, seconds)
    return answer


def _read_cache(key: str) -> Any:
    try:
        return caches["charts"].get(key)
    except Exception:  # noqa: BLE001 - a file cut short by a crash: draw it again
        return None


def _key(order: dict[str, Any]) -> str:
    """The cache key: the order and the version of the drawing code, so that an update draws again."""
    asked = json.dumps([order, _painters_version()], sort_keys=True)
    return hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()


@cache
def _painters_version() -> str:
    drawn_by = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("drawings.py", "painter.py"))
    return f"{hashlib.blake2b(drawn_by).hexdigest()} {version('altair')} {version('vl-convert-python')}"
