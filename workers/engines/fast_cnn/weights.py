"""A network's trained weights as one row of numbers, laid out for the kernels, and back again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from workers.engines.run import Values


def _laid(value: Values) -> Values:
    """Keras' kernels are height × width × channels × filters, and inputs × units."""
    if value.ndim == 4:
        return value.transpose(3, 0, 2, 1).reshape(value.shape[3], -1)
    return value.T


def _as_keras(laid: Values, shape: tuple[int, ...]) -> Values:
    if len(shape) == 4:
        height, width, channels, filters = shape
        return laid.reshape(filters, height, channels, width).transpose(1, 3, 2, 0)
    return laid.T


class Weights:
    """`flat` is float32; `places` say where each of the model's trainable variables lies in it."""

    def __init__(self, model: Any) -> None:
        self._variables = model.trainable_variables
        values = [_laid(variable.numpy()) for variable in self._variables]
        ends = np.cumsum([0, *(value.size for value in values)])
        self.places = [slice(int(start), int(end)) for start, end in pairwise(ends)]
        self._shapes = [value.shape for value in values]
        self.flat = np.concatenate([value.ravel() for value in values]) if values else np.zeros(0, np.float32)

    def views(self, flat: Values) -> Iterator[Values]:
        """`flat` – the weights, or as many gradients – a variable at a time."""
        return (flat[place].reshape(shape) for place, shape in zip(self.places, self._shapes, strict=True))

    def load(self) -> None:
        """Take the weights that the model has."""
        for laid, variable in zip(self.views(self.flat), self._variables, strict=True):
            laid[...] = _laid(variable.numpy())

    def store(self) -> None:
        """Give the model these weights."""
        for variable, laid in zip(self._variables, self.views(self.flat), strict=True):
            variable.assign(_as_keras(laid, tuple(variable.shape)))
