"""Which networks the compiled kernels support, and how one is put together from compiled layers."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, cast

import numpy as np

from submissions.specs import image_layers, layers
from submissions.specs.layers import Layer, Shape
from submissions.specs.network import CNN
from submissions.specs.shapes import layer_outputs
from workers.engines.fast_cnn import activations, optimizer_kernels
from workers.engines.fast_cnn.layers import (
    CompiledConv2D,
    CompiledDense,
    CompiledDropout,
    CompiledFlatten,
    CompiledLayer,
    CompiledPooling2D,
    CompiledRBF,
    CompiledRescaling,
    layer_buffer,
)
from workers.engines.fast_cnn.weights import FlatWeights
from workers.engines.run import Values

CLASSES = 10
POOLINGS = (image_layers.MaxPooling2D, image_layers.AveragePooling2D)
GLOBAL_POOLINGS: dict[type[Layer], type[image_layers.MaxPooling2D | image_layers.AveragePooling2D]] = {
    image_layers.GlobalMaxPooling2D: image_layers.MaxPooling2D,
    image_layers.GlobalAveragePooling2D: image_layers.AveragePooling2D,
}
ACTIVATION_LAYERS = (layers.ActivationLayer, layers.ReLU, layers.LeakyReLU)


def supports(spec: CNN) -> bool:
    """Whether the kernels compute exactly this network; Keras trains the others."""
    layers_ = list(_layers_with_shapes(spec))
    inner, (last, shape, _) = layers_[:-1], layers_[-1]
    return (
        spec.precision == "float32"
        and optimizer_kernels.supports_optimizer(spec.optimizer)
        and all(_supports_layer(layer, shape) for layer, shape, _ in inner)
        and _supports_output(spec, last, shape)
    )


def convolution_multiplications(spec: CNN) -> int:
    """Multiplications in the convolutions for one image: each weight once for every pixel of its layer's output.

    Biases are counted as weights.
    """
    convolutions = (
        (layer, shape, out_shape)
        for layer, shape, out_shape in _layers_with_shapes(spec)
        if len(shape) == len(out_shape) == 3
    )
    return sum(layer.build(shape).trainable * prod(out_shape[:2]) for layer, shape, out_shape in convolutions)


def _layers_with_shapes(spec: CNN) -> Iterator[tuple[Layer, Shape, Shape]]:
    """Each layer after Input, with Keras' shapes of its input and output."""
    shape = cast(layers.Input, spec.layers[0]).shape
    for layer, output in zip(spec.layers[1:], layer_outputs(spec.layers), strict=True):
        yield layer, shape, output.shape
        shape = output.shape


def _supports_layer(layer: Layer, shape: Shape) -> bool:
    match layer:
        case layers.Dense():
            return len(shape) == 1 and activations.supports_activation(layer)
        case image_layers.Conv2D():
            return layer.dilation_rate == (1, 1) and activations.supports_activation(layer)
        case layers.ActivationLayer() | layers.ReLU() | layers.LeakyReLU():
            return activations.supports_activation(layer)
        case layers.Dropout():
            return layer.seed is None
        case layers.Flatten() | layers.Rescaling():
            return True
        case _:
            return isinstance(layer, (*POOLINGS, *GLOBAL_POOLINGS))


def _supports_output(spec: CNN, layer: Layer, shape: Shape) -> bool:
    """Whether loss and last layer fit: cross-entropy is computed from logits, as in Keras after a final softmax."""
    squared = spec.loss.name == "mean_squared_error"
    if isinstance(layer, layers.RBF):
        return spec.loss.from_logits
    softmax = getattr(layer, "activation", None) == "softmax"
    if softmax:
        return isinstance(layer, layers.ActivationLayer) or len(shape) == 1
    return _supports_layer(layer, shape) and (squared or spec.loss.from_logits)


def compile_layers(
    spec: CNN, weights: FlatWeights, gradients: Values, n_images: int, random: np.random.Generator, codes: Values
) -> tuple[list[CompiledLayer], int]:
    """The compiled layers of a supported network, and the index of the first one with weights.

    No gradients are needed below that layer. `gradients` is (n_weights,) float32, to be written by the layers; `codes`
    is (inputs, classes) float32, for an RBF output layer, and otherwise unused.
    """
    builder = LayerBuilder(spec, weights, gradients, n_images, random, codes)
    for layer, shape, out_shape in _layers_with_shapes(spec):
        builder.add(layer, shape, out_shape)
    return builder.layers, builder.first_trainable or 0


class LayerBuilder:
    """Compiles a spec's layers one by one, and hands each its views into the flat weights and gradients."""

    def __init__(
        self,
        spec: CNN,
        weights: FlatWeights,
        gradients: Values,
        n_images: int,
        random: np.random.Generator,
        codes: Values,
    ) -> None:
        self.layers: list[CompiledLayer] = []
        self.first_trainable: int | None = None
        self.n_images, self.random, self.codes = n_images, random, codes
        self.squared = spec.loss.name == "mean_squared_error"
        self._weights, self._gradients = weights.views(weights.flat), weights.views(gradients)

    def add(self, layer: Any, shape: Shape, out_shape: Shape) -> None:
        """Append the compiled form of `layer`, which takes and gives Keras' `shape` and `out_shape`."""
        match layer:
            case image_layers.Conv2D():
                inner, weights, gradients = self._next_weights(layer.use_bias, layer.filters)
                buffer = layer_buffer(out_shape, self.n_images)
                self.layers.append(
                    CompiledConv2D(layer, shape, buffer, weights, gradients, needs_input_gradients=inner)
                )
                self._add_activation(layer)
            case layers.Dense():
                inner, weights, gradients = self._next_weights(layer.use_bias, layer.units)
                self.layers.append(
                    CompiledDense(
                        layer.activation,
                        layer_buffer(out_shape, self.n_images),
                        weights,
                        gradients,
                        needs_input_gradients=inner,
                    )
                )
                self._add_activation(layer)
            case layers.Flatten():
                self.layers.append(CompiledFlatten(shape, self.n_images))
            case layers.Dropout():
                self.layers.append(CompiledDropout(layer.rate, shape, self.n_images, self.random))
            case layers.Rescaling():
                self.layers.append(CompiledRescaling(layer.scale, layer.offset, shape, self.n_images))
            case layers.RBF():
                self.layers.append(CompiledRBF(self.codes, self.n_images))
            case _:
                self._add_activation_or_pooling(layer, shape, out_shape)

    def _add_activation_or_pooling(self, layer: Any, shape: Shape, out_shape: Shape) -> None:
        if isinstance(layer, ACTIVATION_LAYERS):
            self._add_activation(layer, buffer=(shape, self.n_images))
        elif isinstance(layer, POOLINGS):
            self.layers.append(CompiledPooling2D(layer, shape, layer_buffer(out_shape, self.n_images)))
        else:
            rows, columns, channels = shape
            whole = GLOBAL_POOLINGS[type(layer)](pool_size=(rows, columns))
            one_pixel = (1, 1, channels)
            self.layers.append(CompiledPooling2D(whole, shape, layer_buffer(one_pixel, self.n_images)))
            if not layer.keepdims:
                self.layers.append(CompiledFlatten(one_pixel, self.n_images))

    def _add_activation(self, layer: Any, buffer: tuple[Shape, int] | None = None) -> None:
        if getattr(layer, "activation", None) == "softmax":
            if self.squared:
                self.layers.append(activations.CompiledSoftmax((CLASSES,), self.n_images))
        elif activation := activations.activation_kernels(layer):
            fused = buffer is None and layer.activation == "relu"
            self.layers.append(activations.CompiledActivation(activation, fused=fused, buffer=buffer))

    def _next_weights(self, use_bias: bool, units: int) -> tuple[bool, tuple[Values, Values], tuple[Values, Values]]:
        """Whether the next layer must pass gradients on, its (kernel, bias), and their gradients.

        A layer without a bias gets zeros that nobody updates.
        """
        inner = self.first_trainable is not None
        self.first_trainable = len(self.layers) if self.first_trainable is None else self.first_trainable
        no_bias = np.zeros(units, np.float32), np.zeros(units, np.float32)
        kernel, kernel_gradients = next(self._weights), next(self._gradients)
        bias, bias_gradients = (next(self._weights), next(self._gradients)) if use_bias else no_bias
        return inner, (kernel, bias), (kernel_gradients, bias_gradients)
