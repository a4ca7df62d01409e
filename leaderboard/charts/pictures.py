"""Figures as Vega specifications, SVG and PNG. What was drawn is kept, by what is to be seen on it."""

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
from leaderboard.charts.painter_process import soon, studio

KEPT_SECONDS = 3600
MOST_DRAWINGS = 300
PAPER = {"light": "#ffffff", "dark": "#1b1c1a"}
PNG_SCALE = {"wide": 2, "narrow": 2, "wall": 1}

_drawings: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class PictureStyle:
    """Which of the formats and colour schemes that the painter knows."""

    format: str = "wide"
    scheme: str = "light"

    @classmethod
    def read(cls, asked: QueryDict) -> PictureStyle:
        """`?wall`, `?narrow`, `?dark`: there or not."""
        format = next((name for name in ("wall", "narrow") if name in asked), "wide")
        return cls(format, "dark" if "dark" in asked else "light")


def vega(figure: Figure, look: PictureStyle, *, until: float | None = None) -> dict[str, Any]:
    """The drawing with the figure's numbers in it, for the browser or the painter. NoPicture if there is none."""
    drawn = _compiled(figure, look, until or soon())
    data = [
        {**source, "values": figure.data[source["name"]]} if source["name"] in figure.data else source
        for source in drawn.get("data", [])
    ]
    signals = [
        {**signal, "value": figure.limits[signal["name"]]} if signal["name"] in figure.limits else signal
        for signal in drawn.get("signals", [])
    ]
    return {**drawn, "data": data, "signals": signals}


def svg(figure: Figure, look: PictureStyle) -> str:
    until = soon()
    picture: str = _kept({"do": "svg", "vega": vega(figure, look, until=until)}, until)
    return picture


def png(figure: Figure, look: PictureStyle) -> bytes:
    """On the page's paper: what is pasted elsewhere must not depend on the colour beneath."""
    until = soon()
    drawn = vega(figure, look, until=until) | {"background": PAPER[look.scheme]}
    return base64.b64decode(_kept({"do": "png", "vega": drawn, "scale": PNG_SCALE[look.format]}, until))


def _compiled(figure: Figure, look: PictureStyle, until: float) -> dict[str, Any]:
    """The drawing without numbers: the same for all readers, so only the first one waits for a painter."""
    order = {"do": "compile", "chart": figure.name, "format": look.format, "scheme": look.scheme, "words": figure.words}
    key = _key(order)
    if key not in _drawings:
        if len(_drawings) >= MOST_DRAWINGS:
            _drawings.clear()
        _drawings[key] = _kept(order, until, seconds=None)
    return _drawings[key]


def _kept(order: dict[str, Any], until: float, *, seconds: int | None = KEPT_SECONDS) -> Any:
    key = _key(order)
    answer = _found(key)
    if answer is None:
        answer = studio.ask(order, until=until)[order["do"]]
        with suppress(OSError):  # a full disk is no reason not to show it
            caches["charts"].set(key, answer, seconds)
    return answer


def _found(key: str) -> Any:
    try:
        return caches["charts"].get(key)
    except Exception:  # noqa: BLE001 - whatever a file cut short by a crash gives: it is drawn and written anew
        return None


def _key(order: dict[str, Any]) -> str:
    """Of what is drawn and by what: a newer version draws anew."""
    asked = json.dumps([order, _painters_version()], sort_keys=True)
    return hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()


@cache
def _painters_version() -> str:
    drawn_by = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("drawings.py", "painter.py"))
    return f"{hashlib.blake2b(drawn_by).hexdigest()} {version('altair')} {version('vl-convert-python')}"
