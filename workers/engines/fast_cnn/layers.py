"""A network's layers over the compiled kernels: each takes arrays of one fixed size and writes into its own.

`forward` gives the layer's output; `backward` takes the loss's gradients at that output, adds up those of the layer's
weights, and gives those at its input. Arrays may be changed by the layer that they are given to only in `backward`.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from submissions.specs import image_layers
from submissions.specs.layers import Shape
from workers.engines.fast_cnn import dense_kernels, image_kernels
from workers.engines.run import Values

NO_FLOOR, FLOOR = np.float32(-np.inf), np.float32(0)


def blank(shape: Shape, lanes: int) -> Values:
    """Room for `lanes` outputs of Keras' `shape`, in the kernels' order."""
    if len(shape) == 1:
        return np.zeros((*shape, lanes), np.float32)
    rows, columns, channels = (*shape, 1)[:3]
    return np.zeros((rows, channels, columns, lanes), np.float32)


class Compiled:
    """A layer without weights that hands on what it is given."""

    def begin(self) -> None:
        """A new step: whatever is known of the weights' gradients is of the step before."""

    def forward(self, values: Values, training: bool) -> Values:
        return values

    def backward(self, gradients: Values) -> Values:
        return gradients


def _padding(layer: Any, shape: Shape, places: Shape, window: Shape, strides: Shape) -> tuple[int, int]:
    """Zeros above and left of the image, as TensorFlow lays them for `same`."""
    if layer.padding == "valid":
        return 0, 0
    missing = [
        max((n - 1) * step + size - side, 0)
        for n, step, size, side in zip(places, strides, window, shape, strict=False)
    ]
    return missing[0] // 2, missing[1] // 2


class Convolution(Compiled):
    """`weights` and `gradients` are (kernel, bias): filters × (height · channels · width), and filters."""

    def __init__(
        self,
        layer: image_layers.Conv2D,
        shape: Shape,
        out: Values,
        weights: tuple[Values, Values],
        gradients: tuple[Values, Values],
        *,
        inner: bool,
    ) -> None:
        self.height, width = layer.kernel_size
        self.stride, across = layer.strides
        (self.kernel, self.bias), (self.kernel_gradients, self.bias_gradients) = weights, gradients
        rows, _, columns, lanes = out.shape
        top, left = _padding(layer, shape, (rows, columns), layer.kernel_size, layer.strides)
        self.window = (width, across, top, left)
        seen = ((rows - 1) * self.stride + self.height, shape[2] * width, columns * lanes)
        self.expanded, self.out = np.zeros(seen, np.float32), out
        self.expanded_gradients = np.zeros(seen if inner else (0, 0, 0), np.float32)
        self.back = blank(shape if inner else (0, 0, 0), lanes)
        self.least = FLOOR if layer.activation == "relu" else NO_FLOOR

    def begin(self) -> None:
        self.kernel_gradients[:] = 0
        self.bias_gradients[:] = 0

    def forward(self, values: Values, training: bool) -> Values:
        image_kernels.expand(values, self.expanded, *self.window)
        image_kernels.convolve(self.expanded, self.kernel, self.bias, self.out, self.height, self.stride, self.least)
        return self.out

    def backward(self, gradients: Values) -> Values:
        image_kernels.convolve_back(
            self.expanded, self.kernel, gradients, self.kernel_gradients, self.bias_gradients, self.expanded_gradients,
            self.height, self.stride,
        )  # fmt: skip
        if self.back.size:
            image_kernels.collapse(self.expanded_gradients, self.back, *self.window)
        return self.back


class Pooling(Compiled):
    """By the largest value in the window, or by the mean."""

    def __init__(self, layer: Any, shape: Shape, out: Values) -> None:
        window = layer.pool_size
        strides = layer.strides or window
        padding = _padding(layer, shape, (out.shape[0], out.shape[2]), window, strides)
        self.sight = (window, strides, *padding)
        self.largest = isinstance(layer, image_layers.MaxPooling2D)
        self.out, self.back = out, blank(shape, out.shape[-1])

    def forward(self, values: Values, training: bool) -> Values:
        self.values = values
        (image_kernels.max_pool if self.largest else image_kernels.mean_pool)(values, self.out, *self.sight)
        return self.out

    def backward(self, gradients: Values) -> Values:
        if self.largest:
            image_kernels.max_pool_back(self.values, self.out, gradients, self.back, *self.sight)
        else:
            image_kernels.mean_pool_back(gradients, self.back, *self.sight)
        return self.back


class Flat(Compiled):
    def __init__(self, shape: Shape, lanes: int) -> None:
        self.out, self.back = blank((prod(shape),), lanes), blank(shape, lanes)

    def forward(self, values: Values, training: bool) -> Values:
        image_kernels.flatten(values, self.out)
        return self.out

    def backward(self, gradients: Values) -> Values:
        image_kernels.unflatten(gradients, self.back)
        return self.back


class Connection(Compiled):
    """A dense layer: `weights` and `gradients` are (kernel, bias), units × inputs, and units."""

    def __init__(
        self,
        activation: str | None,
        out: Values,
        weights: tuple[Values, Values],
        gradients: tuple[Values, Values],
        *,
        inner: bool,
    ) -> None:
        (self.kernel, self.bias), (self.kernel_gradients, self.bias_gradients) = weights, gradients
        self.out, self.inner, self.first = out, inner, True
        self.back = blank((self.kernel.shape[1] if inner else 0,), out.shape[1])
        self.least = FLOOR if activation == "relu" else NO_FLOOR

    def begin(self) -> None:
        self.first = True
        self.bias_gradients[:] = 0

    def forward(self, values: Values, training: bool) -> Values:
        self.values = values
        dense_kernels.connect(values, self.kernel, self.bias, self.out, self.least)
        return self.out

    def backward(self, gradients: Values) -> Values:
        if self.first:  # writing at once spares large layers two passes over their weights
            np.dot(gradients, self.values.T, out=self.kernel_gradients)
        else:
            self.kernel_gradients += gradients @ self.values.T
        self.first = False
        dense_kernels.add_up(gradients, self.bias_gradients)
        if self.inner:
            np.dot(self.kernel.T, gradients, out=self.back)
        return self.back


class Dropped(Compiled):
    def __init__(self, rate: float, shape: Shape, lanes: int, random: np.random.Generator) -> None:
        self.rate, self.random = rate, random
        self.out, self.kept = blank(shape, lanes), blank(shape, lanes)

    def forward(self, values: Values, training: bool) -> Values:
        if not training:
            return values
        key = int(self.random.integers(2**32))
        dense_kernels.drop(values.reshape(-1), self.out.reshape(-1), self.kept.reshape(-1), self.rate, key)
        return self.out

    def backward(self, gradients: Values) -> Values:
        gradients *= self.kept
        return gradients


class Rescaled(Compiled):
    def __init__(self, scale: float, offset: float, shape: Shape, lanes: int) -> None:
        self.scale, self.offset, self.out = np.float32(scale), np.float32(offset), blank(shape, lanes)

    def forward(self, values: Values, training: bool) -> Values:
        np.multiply(values, self.scale, out=self.out)
        self.out += self.offset
        return self.out

    def backward(self, gradients: Values) -> Values:
        gradients *= self.scale
        return gradients


class Codes(Compiled):
    """LeNet-5's output: see `keras_model.RBF`. `codes` is inputs × classes."""

    def __init__(self, codes: Values, lanes: int) -> None:
        self.codes, self.out = codes, blank((codes.shape[1],), lanes)

    def forward(self, values: Values, training: bool) -> Values:
        self.values = values
        np.dot(self.codes.T, values, out=self.out)
        self.out -= (np.square(values).sum(axis=0) + len(values)) / 2
        return self.out

    def backward(self, gradients: Values) -> Values:
        back: Values = self.codes @ gradients - self.values * gradients.sum(axis=0)
        return back
