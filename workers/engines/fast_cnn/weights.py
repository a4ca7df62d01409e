"""A network's trainable weights as one flat array in the kernels' layout, exchanged with a Keras model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from workers.engines.run import Values


def _to_kernel_layout(value: Values) -> Values:
    """A variable of Keras in the layout of the compiled kernels.

    A convolution's (height, width, channels, filters) becomes (filters, height · channels · width), a dense layer's
    (inputs, units) becomes (units, inputs), and a bias stays.
    """
    if value.ndim == 4:
        return value.transpose(3, 0, 2, 1).reshape(value.shape[3], -1)
    return value.T


def _to_keras_layout(value: Values, shape: tuple[int, ...]) -> Values:
    """The inverse of `_to_kernel_layout`; `shape` is Keras'."""
    if len(shape) == 4:
        height, width, channels, filters = shape
        return value.reshape(filters, height, channels, width).transpose(1, 3, 2, 0)
    return value.T


class FlatWeights:
    """`flat` holds all weights, (n_weights,) float32; `slices` are its parts, one for each trainable variable."""

    def __init__(self, model: Any) -> None:
        self._variables = model.trainable_variables
        values = [_to_kernel_layout(variable.numpy()) for variable in self._variables]
        ends = np.cumsum([0, *(value.size for value in values)])
        self.slices = [slice(int(start), int(end)) for start, end in pairwise(ends)]
        self._shapes = [value.shape for value in values]
        self.flat = np.concatenate([value.ravel() for value in values]) if values else np.zeros(0, np.float32)

    def views(self, flat: Values) -> Iterator[Values]:
        """A view for each variable into `flat`, (n_weights,): the weights themselves, or their gradients."""
        return (flat[part].reshape(shape) for part, shape in zip(self.slices, self._shapes, strict=True))

    def load(self) -> None:
        """Copy the Keras model's weights into `flat`."""
        for view, variable in zip(self.views(self.flat), self._variables, strict=True):
            view[...] = _to_kernel_layout(variable.numpy())

    def store(self) -> None:
        """Copy `flat` into the Keras model's weights."""
        for variable, view in zip(self._variables, self.views(self.flat), strict=True):
            variable.assign(_to_keras_layout(view, tuple(variable.shape)))
