"""Activations with a derivative that can be computed from their output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from submissions.specs import layers
from submissions.specs.layers import Shape
from workers.engines.fast_cnn import dense_kernels
from workers.engines.fast_cnn.layers import CompiledLayer, layer_buffer
from workers.engines.run import Values

LEAKY_RELU_SLOPE = 0.2  # of Keras' activation "leaky_relu"; its LeakyReLU layer has another default


class ActivationKernels(NamedTuple):
    """An activation on flat arrays, (size,) float32.

    `forward(values)` replaces the values by their activations; `backward(out, gradients)` replaces the gradients at the
    output `out` by those at the input.
    """

    forward: Callable[[Values], object]
    backward: Callable[[Values, Values], object]


def _relu(negative_slope: float = 0.0) -> ActivationKernels:
    slope = np.float32(negative_slope)
    if not negative_slope:
        return ActivationKernels(
            lambda out: np.maximum(out, 0, out=out),
            lambda out, gradients: dense_kernels.relu_backward(out, gradients, slope),
        )
    return ActivationKernels(
        lambda out: np.maximum(out, out * slope, out=out),
        lambda out, gradients: dense_kernels.relu_backward(out, gradients, slope),
    )


def _sigmoid(out: Values) -> None:
    np.negative(out, out=out)
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)


_BY_NAME = {
    "relu": _relu(),
    "leaky_relu": _relu(LEAKY_RELU_SLOPE),
    "tanh": ActivationKernels(lambda out: np.tanh(out, out=out), dense_kernels.tanh_backward),
    "sigmoid": ActivationKernels(_sigmoid, dense_kernels.sigmoid_backward),
}


def supports_activation(layer: Any) -> bool:
    """Whether there are kernels for the activation of `layer`, a layer of a spec.

    A slope above 1 is not supported: max(x, slope · x) is then no leaky ReLU.
    """
    if isinstance(layer, layers.ReLU):
        return layer.max_value is None and not layer.threshold and layer.negative_slope <= 1
    if isinstance(layer, layers.LeakyReLU):
        return layer.negative_slope <= 1
    return layer.activation in (None, "linear") or layer.activation in _BY_NAME


def activation_kernels(layer: Any) -> ActivationKernels | None:
    """The kernels for the activation of a supported layer; None for the linear activation."""
    if isinstance(layer, layers.ReLU | layers.LeakyReLU):
        return _relu(layer.negative_slope)
    return _BY_NAME.get(layer.activation)


class CompiledActivation(CompiledLayer):
    """An activation. Works in place on its input, unless `buffer` (Keras shape, n_images) asks for an array of its own.

    In place suits the activation of a Dense or Conv2D layer, which has no more need of its output. With `fused`, the
    layer before has already applied it, and only the backward pass is left.
    """

    def __init__(
        self, activation: ActivationKernels, *, fused: bool = False, buffer: tuple[Shape, int] | None = None
    ) -> None:
        self.activation, self.fused = activation, fused
        self.buffer = layer_buffer(*buffer) if buffer else None

    def forward(self, values: Values, training: bool) -> Values:
        self.out = values
        if self.buffer is not None:
            self.out = self.buffer
            self.out[:] = values
        if not self.fused:
            self.activation.forward(self.out.reshape(-1))
        return self.out

    def backward(self, gradients: Values) -> Values:
        self.activation.backward(self.out.reshape(-1), gradients.reshape(-1))
        return gradients


class CompiledSoftmax(CompiledLayer):
    """A softmax over the units, UN, for losses that take probabilities; cross-entropy is computed from logits."""

    def __init__(self, shape: Shape, n_images: int) -> None:
        self.out = layer_buffer(shape, n_images)

    def forward(self, values: Values, training: bool) -> Values:
        self.out[:] = values
        dense_kernels.softmax(self.out)
        return self.out

    def backward(self, gradients: Values) -> Values:
        dense_kernels.softmax_backward(self.out, gradients)
        return gradients
