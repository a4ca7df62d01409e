"""Figures as Vega specifications, SVG and PNG. What was drawn is kept, by what is to be seen on it."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.cache import caches
from django.http import QueryDict

from leaderboard.charts.figure import Figure
from leaderboard.charts.studio import studio

KEPT_SECONDS = 3600
PNG_SCALE = {"wide": 2, "narrow": 2, "wall": 1}


@dataclass(frozen=True, slots=True)
class Look:
    """Which of the formats and colour schemes that the painter knows."""

    format: str = "wide"
    scheme: str = "light"

    @classmethod
    def read(cls, asked: QueryDict) -> Look:
        """`?wall`, `?narrow`, `?dark`: there or not."""
        format = next((name for name in ("wall", "narrow") if name in asked), "wide")
        return cls(format, "dark" if "dark" in asked else "light")


def vega(figure: Figure, look: Look) -> dict[str, Any]:
    """The drawing with the figure's numbers in it, for the browser or the painter. NoPicture if there is none."""
    drawn = _compiled(figure.name, look, json.dumps(figure.words, sort_keys=True))
    data = [
        {**source, "values": figure.data[source["name"]]} if source["name"] in figure.data else source
        for source in drawn.get("data", [])
    ]
    signals = [
        {**signal, "value": figure.limits[signal["name"]]} if signal["name"] in figure.limits else signal
        for signal in drawn.get("signals", [])
    ]
    return {**drawn, "data": data, "signals": signals}


def svg(figure: Figure, look: Look) -> str:
    order = {"do": "svg", "vega": vega(figure, look)}
    return _kept(order, "svg")


def png(figure: Figure, look: Look) -> bytes:
    """On the page's paper: what is pasted elsewhere must not depend on the colour beneath."""
    drawn = vega(figure, look) | {"background": "#ffffff" if look.scheme == "light" else "#1b1c1a"}
    return base64.b64decode(_kept({"do": "png", "vega": drawn, "scale": PNG_SCALE[look.format]}, "png"))


@lru_cache(maxsize=256)
def _compiled(name: str, look: Look, words: str) -> dict[str, Any]:
    order = {"do": "compile", "chart": name, "format": look.format, "scheme": look.scheme, "words": json.loads(words)}
    compiled: dict[str, Any] = studio.ask(order)["vega"]
    return compiled


def _kept(order: dict[str, Any], what: str) -> str:
    kept = caches["charts"]
    key = hashlib.blake2b(json.dumps(order, sort_keys=True).encode(), digest_size=16).hexdigest()
    picture: str | None = kept.get(key)
    if picture is None:
        picture = str(studio.ask(order)[what])
        kept.set(key, picture, KEPT_SECONDS)
    return picture
