"""What a network's layers give: output shapes and parameter counts, computed from the spec alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

from submissions.specs.layers import Built, Input, Layer, Misfit, Shape
from submissions.specs.spec import Spec

# A bound on memory: this many float32 values are 16 MB for each image of a batch.
MOST_VALUES = 4_000_000


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer of the summary. `fixed` parameters are there but not trained: moving statistics, RBF codes."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    trainable: int
    fixed: int


class LayerMisfit(ValueError):
    """The layer at `place` (counted as in the spec, Input being 0) does not fit what comes before it."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place


def summary(spec: Spec) -> list[LayerRow]:
    """A row for each layer after Input, as Keras' `summary()` has them; none for families without layers."""
    layers: tuple[Layer, ...] = getattr(spec, "layers", ())
    names = _names(layers[1:])
    return [
        LayerRow(name, layer.kind, built.shape, built.trainable, built.fixed)
        for name, layer, built in zip(names, layers[1:], chain(layers), strict=True)
    ]


def parameters(spec: Spec) -> tuple[int, int] | None:
    """(trainable, fixed) parameters; None for families that have none."""
    if not hasattr(spec, "layers"):
        return None
    rows = summary(spec)
    return sum(row.trainable for row in rows), sum(row.fixed for row in rows)


def chain(layers: Iterable[Layer]) -> Iterator[Built]:
    """What each layer after Input gives; LayerMisfit at the first that does not fit."""
    shape: Shape | None = None
    for place, layer in enumerate(layers):
        if shape is None:
            if not isinstance(layer, Input):
                raise LayerMisfit(place, f"{layer.kind} cannot stand first: begin with Input.")
            shape = layer.shape
            continue
        built = _built(place, layer, shape)
        shape = built.shape
        yield built


def _built(place: int, layer: Layer, shape: Shape) -> Built:
    try:
        built = layer.build(shape)
    except Misfit as misfit:
        raise LayerMisfit(place, f"Layer {place} does not fit: {misfit}") from misfit
    if prod(built.shape) > MOST_VALUES:
        raise LayerMisfit(
            place,
            f"Layer {place}, {layer.kind}, gives {prod(built.shape):,} values: the service's limit is {MOST_VALUES:,}.",
        )
    return built


def _names(layers: Iterable[Layer]) -> Iterator[str]:
    """Names as Keras gives them: conv2d, conv2d_1, …"""
    seen: Counter[str] = Counter()
    for layer in layers:
        name = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", layer.kind)).lower()
        yield f"{name}_{seen[name]}" if seen[name] else name
        seen[name] += 1
