"""A network's layers over the compiled kernels.

Values have the kernels' layouts: HCWN for images (`image_kernels`), UN for units (`dense_kernels`). A layer allocates
its arrays once, for micro-batches of exactly `n_images`, and writes into them at every call.

`forward` may not change the values that it is given; `backward` may change the gradients.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from submissions.specs import image_layers
from submissions.specs.layers import Shape
from workers.engines.fast_cnn import dense_kernels, image_kernels
from workers.engines.run import Values

NO_LOWER_BOUND, RELU_LOWER_BOUND = np.float32(-np.inf), np.float32(0)


def layer_buffer(shape: Shape, n_images: int) -> Values:
    """float32 zeros for `n_images` values of Keras' `shape`: UN for (units,), HCWN for (rows, columns[, channels])."""
    if len(shape) == 1:
        return np.zeros((*shape, n_images), np.float32)
    rows, columns, channels = (*shape, 1)[:3]
    return np.zeros((rows, channels, columns, n_images), np.float32)


class CompiledLayer:
    """A layer of a compiled network; this base has no weights and passes everything through."""

    def zero_gradients(self) -> None:
        """Begin a batch: forget the weights' gradients of the batch before."""

    def forward(self, values: Values, training: bool) -> Values:
        """The layer's output for `values`, in an array that the layer will overwrite at its next call."""
        return values

    def backward(self, gradients: Values) -> Values:
        """Add to the weights' gradients, and return those at the input, given those at the last output."""
        return gradients


def _padding(layer: Any, shape: Shape, out_shape: Shape, window: Shape, strides: Shape) -> tuple[int, int]:
    """Rows and columns of zeros above and left of the image, as TensorFlow places them for `same`."""
    if layer.padding == "valid":
        return 0, 0
    total = [
        max((n - 1) * stride + size - side, 0)
        for n, stride, size, side in zip(out_shape, strides, window, shape, strict=False)
    ]
    return total[0] // 2, total[1] // 2


class CompiledConv2D(CompiledLayer):
    """A convolution. `shape` is Keras' of the input, `out` HCWN.

    `weights` and `gradients` are pairs: kernel (filters, height · channels · width) and bias (filters,), both float32.
    Without `needs_input_gradients`, `backward` returns an empty array.
    """

    def __init__(
        self,
        layer: image_layers.Conv2D,
        shape: Shape,
        out: Values,
        weights: tuple[Values, Values],
        gradients: tuple[Values, Values],
        *,
        needs_input_gradients: bool,
    ) -> None:
        self.height, width = layer.kernel_size
        self.stride, column_stride = layer.strides
        (self.kernel, self.bias), (self.kernel_gradients, self.bias_gradients) = weights, gradients
        rows, _, columns, n_images = out.shape
        top, left = _padding(layer, shape, (rows, columns), layer.kernel_size, layer.strides)
        self.im2col_arguments = (width, column_stride, top, left)
        cols_shape = ((rows - 1) * self.stride + self.height, shape[2] * width, columns * n_images)
        self.cols, self.out = np.zeros(cols_shape, np.float32), out
        self.cols_gradients = np.zeros(cols_shape if needs_input_gradients else (0, 0, 0), np.float32)
        self.input_gradients = layer_buffer(shape if needs_input_gradients else (0, 0, 0), n_images)
        self.lower_bound = RELU_LOWER_BOUND if layer.activation == "relu" else NO_LOWER_BOUND

    def zero_gradients(self) -> None:
        self.kernel_gradients[:] = 0
        self.bias_gradients[:] = 0

    def forward(self, values: Values, training: bool) -> Values:
        image_kernels.im2col(values, self.cols, *self.im2col_arguments)
        image_kernels.conv2d_forward(
            self.cols, self.kernel, self.bias, self.out, self.height, self.stride, self.lower_bound
        )
        return self.out

    def backward(self, gradients: Values) -> Values:
        image_kernels.conv2d_backward(
            self.cols, self.kernel, gradients, self.kernel_gradients, self.bias_gradients, self.cols_gradients,
            self.height, self.stride,
        )  # fmt: skip
        if self.input_gradients.size:
            image_kernels.col2im(self.cols_gradients, self.input_gradients, *self.im2col_arguments)
        return self.input_gradients


class CompiledPooling2D(CompiledLayer):
    """Max or average pooling. `shape` is Keras' of the input, `out` HCWN."""

    def __init__(self, layer: Any, shape: Shape, out: Values) -> None:
        pool = layer.pool_size
        strides = layer.strides or pool
        padding = _padding(layer, shape, (out.shape[0], out.shape[2]), pool, strides)
        self.pool_arguments = (pool, strides, *padding)
        self.takes_maximum = isinstance(layer, image_layers.MaxPooling2D)
        self.out, self.input_gradients = out, layer_buffer(shape, out.shape[-1])

    def forward(self, values: Values, training: bool) -> Values:
        self.values = values
        kernel = image_kernels.max_pool if self.takes_maximum else image_kernels.average_pool
        kernel(values, self.out, *self.pool_arguments)
        return self.out

    def backward(self, gradients: Values) -> Values:
        if self.takes_maximum:
            image_kernels.max_pool_backward(
                self.values, self.out, gradients, self.input_gradients, *self.pool_arguments
            )
        else:
            image_kernels.average_pool_backward(gradients, self.input_gradients, *self.pool_arguments)
        return self.input_gradients


class CompiledFlatten(CompiledLayer):
    """From HCWN to UN, in Keras' order. `shape` is Keras' of the input."""

    def __init__(self, shape: Shape, n_images: int) -> None:
        self.out, self.input_gradients = layer_buffer((prod(shape),), n_images), layer_buffer(shape, n_images)

    def forward(self, values: Values, training: bool) -> Values:
        image_kernels.flatten(values, self.out)
        return self.out

    def backward(self, gradients: Values) -> Values:
        image_kernels.unflatten(gradients, self.input_gradients)
        return self.input_gradients


class CompiledDense(CompiledLayer):
    """A dense layer from UN to UN.

    `weights` and `gradients` are pairs: kernel (units, inputs) and bias (units,), both float32. Without
    `needs_input_gradients`, `backward` returns an empty array.
    """

    def __init__(
        self,
        activation: str | None,
        out: Values,
        weights: tuple[Values, Values],
        gradients: tuple[Values, Values],
        *,
        needs_input_gradients: bool,
    ) -> None:
        (self.kernel, self.bias), (self.kernel_gradients, self.bias_gradients) = weights, gradients
        self.out, self.needs_input_gradients, self.gradients_are_stale = out, needs_input_gradients, True
        self.input_gradients = layer_buffer((self.kernel.shape[1] if needs_input_gradients else 0,), out.shape[1])
        self.lower_bound = RELU_LOWER_BOUND if activation == "relu" else NO_LOWER_BOUND

    def zero_gradients(self) -> None:
        self.gradients_are_stale = True
        self.bias_gradients[:] = 0

    def forward(self, values: Values, training: bool) -> Values:
        self.values = values
        dense_kernels.dense_forward(values, self.kernel, self.bias, self.out, self.lower_bound)
        return self.out

    def backward(self, gradients: Values) -> Values:
        if self.gradients_are_stale:  # overwriting them spares large layers two passes over their weights
            np.dot(gradients, self.values.T, out=self.kernel_gradients)
        else:
            self.kernel_gradients += gradients @ self.values.T
        self.gradients_are_stale = False
        dense_kernels.add_bias_gradients(gradients, self.bias_gradients)
        if self.needs_input_gradients:
            np.dot(self.kernel.T, gradients, out=self.input_gradients)
        return self.input_gradients


class CompiledDropout(CompiledLayer):
    """Inverted dropout, in any layout; passes values through outside training. `random` gives each call its key."""

    def __init__(self, rate: float, shape: Shape, n_images: int, random: np.random.Generator) -> None:
        self.rate, self.random = rate, random
        self.out, self.mask = layer_buffer(shape, n_images), layer_buffer(shape, n_images)

    def forward(self, values: Values, training: bool) -> Values:
        if not training:
            return values
        key = int(self.random.integers(2**32))
        dense_kernels.dropout(values.reshape(-1), self.out.reshape(-1), self.mask.reshape(-1), self.rate, key)
        return self.out

    def backward(self, gradients: Values) -> Values:
        gradients *= self.mask
        return gradients


class CompiledRescaling(CompiledLayer):
    """values · scale + offset, in any layout."""

    def __init__(self, scale: float, offset: float, shape: Shape, n_images: int) -> None:
        self.scale, self.offset, self.out = np.float32(scale), np.float32(offset), layer_buffer(shape, n_images)

    def forward(self, values: Values, training: bool) -> Values:
        np.multiply(values, self.scale, out=self.out)
        self.out += self.offset
        return self.out

    def backward(self, gradients: Values) -> Values:
        gradients *= self.scale
        return gradients


class CompiledRBF(CompiledLayer):
    """LeNet-5's output layer, with the formula of `workers.engines.keras.model.RBFLayer`.

    `codes` is (inputs, classes) float32, each ±1; values and output are UN.
    """

    def __init__(self, codes: Values, n_images: int) -> None:
        self.codes, self.out = codes, layer_buffer((codes.shape[1],), n_images)

    def forward(self, values: Values, training: bool) -> Values:
        self.values = values
        np.dot(self.codes.T, values, out=self.out)
        self.out -= (np.square(values).sum(axis=0) + len(values)) / 2
        return self.out

    def backward(self, gradients: Values) -> Values:
        input_gradients: Values = self.codes @ gradients - self.values * gradients.sum(axis=0)
        return input_gradients
