"""Learning curves: loss and accuracy over the epochs, as lines to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, MARGIN = 320, 140, 12
LEFT = 50  # the lines begin here, right of the axis labels
MAX_DOTS = 40  # with more epochs the dots would hide the line


@dataclass(frozen=True, slots=True)
class Series:
    """One measure; `places` are its (x, y) in the drawing, `latest` its value after the last epoch."""

    name: str
    latest: float
    places: list[tuple[float, float]]

    @property
    def points(self) -> str:
        return " ".join(f"{x:g},{y:g}" for x, y in self.places)

    @property
    def dots(self) -> list[tuple[float, float]]:
        return self.places if len(self.places) <= MAX_DOTS else self.places[-1:]


@dataclass(frozen=True, slots=True)
class Curve:
    """`loss` or `accuracy`, in training and, if there is a validation split, in validation."""

    name: str
    lines: list[Series]
    low: float
    high: float
    epochs: int


def curves(epochs: Sequence[Mapping[str, Any]], planned: int | None = None) -> list[Curve]:
    """Both curves of a network's run; `planned` epochs reserve room for those still to come."""
    found = (_curve(name, epochs, max(planned or 0, len(epochs))) for name in ("loss", "accuracy"))
    return [curve for curve in found if curve]


def _curve(name: str, epochs: Sequence[Mapping[str, Any]], planned: int) -> Curve | None:
    measured = {key: _values(epochs, key) for key in (name, f"val_{name}")}
    values = [value for series in measured.values() for _epoch, value in series]
    if not values:
        return None
    low, high = min(values), max(values)
    lines = [
        Series(key, series[-1][1], [_place(epoch, value, planned, low, high) for epoch, value in series])
        for key, series in measured.items()
        if series
    ]
    return Curve(name, lines, low, high, planned)


def _values(epochs: Sequence[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    """(epoch, value) for the epochs that have one: a loss that became NaN was left out."""
    pairs = ((place, epoch.get(key)) for place, epoch in enumerate(epochs))
    return [(place, value) for place, value in pairs if isinstance(value, int | float)]


def _place(epoch: int, value: float, planned: int, low: float, high: float) -> tuple[float, float]:
    across = epoch / (planned - 1) if planned > 1 else 0.5
    up = (value - low) / (high - low) if high > low else 0.5
    return round(LEFT + across * (WIDTH - LEFT - MARGIN), 1), round(HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN), 1)
