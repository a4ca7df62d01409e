"""Which networks the compiled kernels know, and how one is put together from them."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, cast

import numpy as np

from submissions.specs import image_layers, layers
from submissions.specs.layers import Layer, Shape
from submissions.specs.network import CNN
from submissions.specs.shapes import chain
from workers.engines.fast_cnn import activations, optimizer_kernels
from workers.engines.fast_cnn.layers import (
    Codes,
    Compiled,
    Connection,
    Convolution,
    Dropped,
    Flat,
    Pooling,
    Rescaled,
    blank,
)
from workers.engines.fast_cnn.weights import Weights
from workers.engines.run import Values

CLASSES = 10
POOLINGS = (image_layers.MaxPooling2D, image_layers.AveragePooling2D)
GLOBAL_POOLINGS: dict[type[Layer], type[image_layers.MaxPooling2D | image_layers.AveragePooling2D]] = {
    image_layers.GlobalMaxPooling2D: image_layers.MaxPooling2D,
    image_layers.GlobalAveragePooling2D: image_layers.AveragePooling2D,
}
POINTWISE = (layers.ActivationLayer, layers.ReLU, layers.LeakyReLU)


def knows(spec: CNN) -> bool:
    """Whether the kernels compute exactly this network; all others are left to Keras."""
    steps = list(_steps(spec))
    inner, (last, shape, _) = steps[:-1], steps[-1]
    return (
        spec.precision == "float32"
        and optimizer_kernels.known(spec.optimizer)
        and all(_known(layer, shape) for layer, shape, _ in inner)
        and _known_output(spec, last, shape)
    )


def multiplications(spec: CNN) -> int:
    """Of the convolutions, for one image: each weight once at every place of the output."""
    convolutions = ((layer, shape, given) for layer, shape, given in _steps(spec) if len(shape) == len(given) == 3)
    return sum(layer.build(shape).trainable * prod(given[:2]) for layer, shape, given in convolutions)


def _steps(spec: CNN) -> Iterator[tuple[Layer, Shape, Shape]]:
    """Each layer after Input, with the shapes that it takes and gives."""
    shape = cast(layers.Input, spec.layers[0]).shape
    for layer, built in zip(spec.layers[1:], chain(spec.layers), strict=True):
        yield layer, shape, built.shape
        shape = built.shape


def _known(layer: Layer, shape: Shape) -> bool:
    match layer:
        case layers.Dense():
            return len(shape) == 1 and activations.known(layer)
        case image_layers.Conv2D():
            return layer.dilation_rate == (1, 1) and activations.known(layer)
        case layers.ActivationLayer() | layers.ReLU() | layers.LeakyReLU():
            return activations.known(layer)
        case layers.Dropout():
            return layer.seed is None
        case layers.Flatten() | layers.Rescaling():
            return True
        case _:
            return isinstance(layer, (*POOLINGS, *GLOBAL_POOLINGS))


def _known_output(spec: CNN, layer: Layer, shape: Shape) -> bool:
    """Cross-entropy is taken of logits, as Keras does where the last step before it is a softmax."""
    squared = spec.loss.name == "mean_squared_error"
    if isinstance(layer, layers.RBF):
        return spec.loss.from_logits
    softmax = getattr(layer, "activation", None) == "softmax"
    if softmax:
        return isinstance(layer, layers.ActivationLayer) or len(shape) == 1
    return _known(layer, shape) and (squared or spec.loss.from_logits)


def layers_of(
    spec: CNN, weights: Weights, gradients: Values, lanes: int, random: np.random.Generator, codes: Values
) -> tuple[list[Compiled], int]:
    """The compiled layers, and how many of the first have no weights and none before them: no gradient goes there."""
    composer = Composer(spec, weights, gradients, lanes, random, codes)
    for layer, shape, given in _steps(spec):
        composer.add(layer, shape, given)
    return composer.layers, composer.fixed or 0


class Composer:
    def __init__(
        self, spec: CNN, weights: Weights, gradients: Values, lanes: int, random: np.random.Generator, codes: Values
    ) -> None:
        self.layers: list[Compiled] = []
        self.fixed: int | None = None
        self.lanes, self.random, self.codes = lanes, random, codes
        self.squared = spec.loss.name == "mean_squared_error"
        self._weights, self._gradients = weights.views(weights.flat), weights.views(gradients)

    def add(self, layer: Any, shape: Shape, given: Shape) -> None:
        match layer:
            case image_layers.Conv2D():
                inner, weights, gradients = self._weighted(layer.use_bias, layer.filters)
                room = blank(given, self.lanes)
                self.layers.append(Convolution(layer, shape, room, weights, gradients, inner=inner))
                self._activate(layer)
            case layers.Dense():
                inner, weights, gradients = self._weighted(layer.use_bias, layer.units)
                self.layers.append(
                    Connection(layer.activation, blank(given, self.lanes), weights, gradients, inner=inner)
                )
                self._activate(layer)
            case layers.Flatten():
                self.layers.append(Flat(shape, self.lanes))
            case layers.Dropout():
                self.layers.append(Dropped(layer.rate, shape, self.lanes, self.random))
            case layers.Rescaling():
                self.layers.append(Rescaled(layer.scale, layer.offset, shape, self.lanes))
            case layers.RBF():
                self.layers.append(Codes(self.codes, self.lanes))
            case _:
                self._add_plain(layer, shape, given)

    def _add_plain(self, layer: Any, shape: Shape, given: Shape) -> None:
        if isinstance(layer, POINTWISE):
            self._activate(layer, room=(shape, self.lanes))
        elif isinstance(layer, POOLINGS):
            self.layers.append(Pooling(layer, shape, blank(given, self.lanes)))
        else:
            rows, columns, channels = shape
            whole = GLOBAL_POOLINGS[type(layer)](pool_size=(rows, columns))
            one_place = (1, 1, channels)
            self.layers.append(Pooling(whole, shape, blank(one_place, self.lanes)))
            if not layer.keepdims:
                self.layers.append(Flat(one_place, self.lanes))

    def _activate(self, layer: Any, room: tuple[Shape, int] | None = None) -> None:
        if getattr(layer, "activation", None) == "softmax":
            if self.squared:
                self.layers.append(activations.Softmax((CLASSES,), self.lanes))
        elif activation := activations.activation_of(layer):
            done = room is None and layer.activation == "relu"
            self.layers.append(activations.Pointwise(activation, done=done, room=room))

    def _weighted(self, use_bias: bool, units: int) -> tuple[bool, tuple[Values, Values], tuple[Values, Values]]:
        """Whether gradients go further back than this layer, its weights, and their gradients."""
        inner = self.fixed is not None
        self.fixed = len(self.layers) if self.fixed is None else self.fixed
        none = np.zeros(units, np.float32), np.zeros(units, np.float32)
        kernel, kernel_gradients = next(self._weights), next(self._gradients)
        bias, bias_gradients = (next(self._weights), next(self._gradients)) if use_bias else none
        return inner, (kernel, bias), (kernel_gradients, bias_gradients)
