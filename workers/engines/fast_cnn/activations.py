"""Activations whose gradient follows from what came out, in place over the layer before or in a room of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from submissions.specs import layers
from submissions.specs.layers import Shape
from workers.engines.fast_cnn import dense_kernels
from workers.engines.fast_cnn.layers import Compiled, blank
from workers.engines.run import Values

LEAKY_RELU = 0.2  # of Keras' activation of this name; the layer's own default is another


class Activation(NamedTuple):
    """`forward` changes its argument; `backward` takes the output and changes the gradients; both take flat arrays."""

    forward: Callable[[Values], object]
    backward: Callable[[Values, Values], object]


def _relu(gradient: float = 0.0) -> Activation:
    rest = np.float32(gradient)
    if not gradient:
        return Activation(lambda out: np.maximum(out, 0, out=out), lambda out, s: dense_kernels.relu_back(out, s, rest))
    return Activation(
        lambda out: np.maximum(out, out * rest, out=out), lambda out, s: dense_kernels.relu_back(out, s, rest)
    )


def _sigmoid(out: Values) -> None:
    np.negative(out, out=out)
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)


_BY_NAME = {
    "relu": _relu(),
    "leaky_relu": _relu(LEAKY_RELU),
    "tanh": Activation(lambda out: np.tanh(out, out=out), dense_kernels.tanh_back),
    "sigmoid": Activation(_sigmoid, dense_kernels.sigmoid_back),
}


def known(layer: Any) -> bool:
    """Whether a layer of Keras does to each number what is known here."""
    if isinstance(layer, layers.ReLU):
        return layer.max_value is None and not layer.threshold and layer.negative_slope <= 1
    if isinstance(layer, layers.LeakyReLU):
        return layer.negative_slope <= 1
    return layer.activation in (None, "linear") or layer.activation in _BY_NAME


def activation_of(layer: Any) -> Activation | None:
    """What a known layer does to each number; None for nothing."""
    if isinstance(layer, layers.ReLU | layers.LeakyReLU):
        return _relu(layer.negative_slope)
    return _BY_NAME.get(layer.activation)


class Pointwise(Compiled):
    """In place over its input, which is the one of a layer that has no more need of it; or apart, by `shape`."""

    def __init__(self, activation: Activation, *, done: bool = False, room: tuple[Shape, int] | None = None) -> None:
        self.activation, self.done = activation, done
        self.room = blank(*room) if room else None

    def forward(self, values: Values, training: bool) -> Values:
        self.out = values
        if self.room is not None:
            self.out = self.room
            self.out[:] = values
        if not self.done:
            self.activation.forward(self.out.reshape(-1))
        return self.out

    def backward(self, gradients: Values) -> Values:
        self.activation.backward(self.out.reshape(-1), gradients.reshape(-1))
        return gradients


class Softmax(Compiled):
    def __init__(self, shape: Shape, lanes: int) -> None:
        self.out = blank(shape, lanes)

    def forward(self, values: Values, training: bool) -> Values:
        self.out[:] = values
        dense_kernels.softmax(self.out)
        return self.out

    def backward(self, gradients: Values) -> Values:
        dense_kernels.softmax_back(self.out, gradients)
        return gradients
