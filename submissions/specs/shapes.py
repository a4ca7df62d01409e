"""Output shapes and parameter counts of a network's layers, computed from the spec alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

from submissions.specs.layers import Input, Layer, LayerOutput, Shape, ShapeMismatch
from submissions.specs.spec import Spec

# Bounds memory: this many float32 values take 16 MB for each image of a batch.
MAX_VALUES = 4_000_000


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer of the summary. `fixed` parameters are not trained: moving statistics, RBF codes."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    trainable: int
    fixed: int


class LayerMismatch(ValueError):
    """The layer at `place` in the spec (Input is 0) does not fit the one before it."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place


def summary(spec: Spec) -> list[LayerRow]:
    """A row for each layer after Input, as in Keras' `summary()`; empty for families without layers."""
    layers: tuple[Layer, ...] = getattr(spec, "layers", ())
    names = _names(layers[1:])
    return [
        LayerRow(name, layer.kind, output.shape, output.trainable, output.fixed)
        for name, layer, output in zip(names, layers[1:], layer_outputs(layers), strict=True)
    ]


def parameters(spec: Spec) -> tuple[int, int] | None:
    """(trainable, fixed) parameters; None for families without layers."""
    if not hasattr(spec, "layers"):
        return None
    rows = summary(spec)
    return sum(row.trainable for row in rows), sum(row.fixed for row in rows)


def layer_outputs(layers: Iterable[Layer]) -> Iterator[LayerOutput]:
    """The output of each layer after Input; LayerMismatch at the first that does not fit."""
    shape: Shape | None = None
    for place, layer in enumerate(layers):
        if shape is None:
            if not isinstance(layer, Input):
                raise LayerMismatch(place, f"{layer.kind} cannot be the first layer: begin with Input.")
            shape = layer.shape
            continue
        output = _output(place, layer, shape)
        shape = output.shape
        yield output


def _output(place: int, layer: Layer, shape: Shape) -> LayerOutput:
    try:
        output = layer.build(shape)
    except ShapeMismatch as mismatch:
        raise LayerMismatch(place, f"Layer {place} does not fit: {mismatch}") from mismatch
    if (values := prod(output.shape)) > MAX_VALUES:
        raise LayerMismatch(
            place, f"Layer {place}, {layer.kind}, outputs {values:,} values: the service's limit is {MAX_VALUES:,}."
        )
    return output


def _names(layers: Iterable[Layer]) -> Iterator[str]:
    """Keras' own layer names: conv2d, conv2d_1, …"""
    seen: Counter[str] = Counter()
    for layer in layers:
        name = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", layer.kind)).lower()
        yield f"{name}_{seen[name]}" if seen[name] else name
        seen[name] += 1
