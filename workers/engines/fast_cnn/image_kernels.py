"""Convolution and pooling kernels, forward and backward, over a micro-batch of images.

Layouts, all C-contiguous:

- `HCWN`: (rows, channels, columns, n_images) float32. The images of the micro-batch are the last axis, so every inner
  loop runs over neighbouring numbers: the same pixel of several images.
- `NHWC`: (n_samples, rows, columns, channels) uint8, the data set as it is stored.
- `cols`: (padded rows, channels · kernel width, output columns · n_images) float32, made by `im2col`. Each input row is
  written once for every column of the kernel. The rows that a kernel covers then lie side by side, and a convolution is
  one matrix product for each row of its output.

`top` and `left` are the zero rows and columns of padding before the image, as TensorFlow places them for `same`.
Kernels write into the arrays that they are given and allocate no results.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from workers.engines.run import Values

# Sums may be taken in any order; infinities and NaN keep their meaning, for a training that diverges.
compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})

ZERO = np.float32(0)


@compiled
def gather_batch(images: Values, indices: Values, pixel_values: Values, out: Values) -> None:
    """Copy the images at `indices` into `out`, and replace each byte by its entry in `pixel_values`.

    `images` is NHWC, `indices` (n_images,) int64, `pixel_values` (256,) float32, `out` HCWN. Where `out` is larger than
    the images, they are centred in it and its border stays as it is.
    """
    rows, columns, channels = images.shape[1:]
    top, left = (out.shape[0] - rows) // 2, (out.shape[2] - columns) // 2
    for n in range(out.shape[3]):
        image = images[indices[n]]
        for row in range(rows):
            for channel in range(channels):
                for column in range(columns):
                    out[top + row, channel, left + column, n] = pixel_values[image[row, column, channel]]


@compiled
def _valid_range(offset: int, stride: int, columns: int, out_columns: int) -> tuple[int, int]:
    """The output columns (start, stop) for which input column `output column · stride + offset` lies in the image."""
    start = max(0, (-offset + stride - 1) // stride)
    return start, max(start, min(out_columns, (columns - 1 - offset) // stride + 1))


@compiled
def im2col(images: Values, cols: Values, width: int, stride: int, top: int, left: int) -> None:
    """Write each row of `images` (HCWN) into `cols` once for every kernel column, with zeros outside the image.

    `width` is the kernel's, `stride` the horizontal one.
    """
    rows, channels, columns, n_images = images.shape
    out_columns = cols.shape[2] // n_images
    for row in range(cols.shape[0]):
        if not top <= row < rows + top:
            cols[row] = ZERO
            continue
        for channel in range(channels):
            source = images[row - top, channel].reshape(-1)
            for k in range(width):
                target = cols[row, channel * width + k]
                start, stop = _valid_range(k - left, stride, columns, out_columns)
                target[: start * n_images] = ZERO
                target[stop * n_images :] = ZERO
                if stride == 1:
                    shift = (k - left) * n_images
                    for j in range(start * n_images, stop * n_images):
                        target[j] = source[j + shift]
                else:
                    for out_column in range(start, stop):
                        first = (out_column * stride + k - left) * n_images
                        for n in range(n_images):
                            target[out_column * n_images + n] = source[first + n]


@compiled
def col2im(cols: Values, images: Values, width: int, stride: int, top: int, left: int) -> None:
    """The adjoint of `im2col`: set each pixel of `images` (HCWN) to the sum of its copies in `cols`."""
    rows, channels, columns, n_images = images.shape
    out_columns = cols.shape[2] // n_images
    images[:] = ZERO
    for row in range(max(top, 0), min(cols.shape[0], rows + top)):
        for channel in range(channels):
            target = images[row - top, channel].reshape(-1)
            for k in range(width):
                source = cols[row, channel * width + k]
                start, stop = _valid_range(k - left, stride, columns, out_columns)
                if stride == 1:
                    shift = (k - left) * n_images
                    for j in range(start * n_images, stop * n_images):
                        target[j + shift] += source[j]
                else:
                    for out_column in range(start, stop):
                        first = (out_column * stride + k - left) * n_images
                        for n in range(n_images):
                            target[first + n] += source[out_column * n_images + n]


@compiled
def conv2d_forward(
    cols: Values, kernel: Values, bias: Values, out: Values, height: int, stride: int, lower_bound: np.float32
) -> None:
    """Set `out` (HCWN, with filters as channels) to max(kernel ∗ input + bias, `lower_bound`).

    `kernel` is (filters, height · channels · width) float32, `bias` (filters,) float32. `height` is the kernel's,
    `stride` the vertical one. A `lower_bound` of 0 is a ReLU in the same pass; −∞ is none.
    """
    rows, filters = out.shape[:2]
    for row in range(rows):
        patches = cols[row * stride : row * stride + height].reshape(kernel.shape[1], -1)
        line = out[row].reshape(filters, -1)
        np.dot(kernel, patches, line)
        for i in range(filters):
            add = bias[i]
            for j in range(line.shape[1]):
                value = line[i, j] + add
                line[i, j] = lower_bound if value < lower_bound else value


@compiled
def conv2d_backward(
    cols: Values,
    kernel: Values,
    gradients: Values,
    kernel_gradients: Values,
    bias_gradients: Values,
    cols_gradients: Values,
    height: int,
    stride: int,
) -> None:
    """From the loss's `gradients` at the output (HCWN), add to those of kernel and bias, and set those of `cols`.

    `kernel_gradients` and `bias_gradients` have the shapes of kernel and bias. An empty `cols_gradients` (0, 0, 0)
    means that the input's gradients are not wanted.
    """
    rows, filters = gradients.shape[:2]
    partial, products = np.empty_like(kernel), np.empty((kernel.shape[1], cols.shape[2]), np.float32)
    transposed = np.ascontiguousarray(kernel.T)
    cols_gradients[:] = ZERO
    for row in range(rows):
        patches = cols[row * stride : row * stride + height].reshape(kernel.shape[1], -1)
        line = gradients[row].reshape(filters, -1)
        np.dot(line, patches.T, partial)
        kernel_gradients += partial
        for i in range(filters):
            total = ZERO
            for j in range(line.shape[1]):
                total += line[i, j]
            bias_gradients[i] += total
        if cols_gradients.size:
            np.dot(transposed, line, products)
            target, source = cols_gradients[row * stride : row * stride + height].reshape(-1), products.reshape(-1)
            for j in range(source.size):
                target[j] += source[j]


@compiled
def max_pool(images: Values, out: Values, pool: tuple[int, int], strides: tuple[int, int], top: int, left: int) -> None:
    """Set `out` to the maximum of each pool (rows, columns) of `images`; both HCWN. Padding does not count."""
    rows, channels, columns, n_images = images.shape
    for row in range(out.shape[0]):
        for channel in range(channels):
            for column in range(out.shape[2]):
                maximum = out[row, channel, column]
                maximum[:] = -np.inf
                for y in range(max(row * strides[0] - top, 0), min(row * strides[0] - top + pool[0], rows)):
                    for x in range(
                        max(column * strides[1] - left, 0), min(column * strides[1] - left + pool[1], columns)
                    ):
                        values = images[y, channel, x]
                        for n in range(n_images):
                            maximum[n] = maximum[n] if values[n] < maximum[n] else values[n]


@compiled
def max_pool_backward(
    images: Values,
    out: Values,
    gradients: Values,
    input_gradients: Values,
    pool: tuple[int, int],
    strides: tuple[int, int],
    top: int,
    left: int,
) -> None:
    """Set `input_gradients` from the `gradients` at the output; all arrays HCWN.

    A maximum's gradient goes to the first place in its pool, row by row, that holds it.
    """
    rows, channels, columns, n_images = images.shape
    remaining = np.empty(n_images, np.float32)
    input_gradients[:] = ZERO
    for row in range(out.shape[0]):
        for channel in range(channels):
            for column in range(out.shape[2]):
                maximum, gradient = out[row, channel, column], gradients[row, channel, column]
                for n in range(n_images):
                    remaining[n] = gradient[n]
                for y in range(max(row * strides[0] - top, 0), min(row * strides[0] - top + pool[0], rows)):
                    for x in range(
                        max(column * strides[1] - left, 0), min(column * strides[1] - left + pool[1], columns)
                    ):
                        values, target = images[y, channel, x], input_gradients[y, channel, x]
                        for n in range(n_images):
                            here = remaining[n] if values[n] == maximum[n] else ZERO
                            target[n] += here
                            remaining[n] -= here


@compiled
def average_pool(
    images: Values, out: Values, pool: tuple[int, int], strides: tuple[int, int], top: int, left: int
) -> None:
    """Set `out` to the mean of each pool (rows, columns) of `images`; both HCWN. Padding does not count."""
    rows, channels, columns, n_images = images.shape
    for row in range(out.shape[0]):
        first_row, last_row = max(row * strides[0] - top, 0), min(row * strides[0] - top + pool[0], rows)
        for channel in range(channels):
            for column in range(out.shape[2]):
                first, last = max(column * strides[1] - left, 0), min(column * strides[1] - left + pool[1], columns)
                weight = np.float32(1 / ((last_row - first_row) * (last - first)))
                total = out[row, channel, column]
                total[:] = ZERO
                for y in range(first_row, last_row):
                    for x in range(first, last):
                        values = images[y, channel, x]
                        for n in range(n_images):
                            total[n] += values[n] * weight


@compiled
def average_pool_backward(
    gradients: Values, input_gradients: Values, pool: tuple[int, int], strides: tuple[int, int], top: int, left: int
) -> None:
    """Set `input_gradients` by sharing each of the `gradients` equally among the pixels of its pool; both HCWN."""
    rows, channels, columns, n_images = input_gradients.shape
    input_gradients[:] = ZERO
    for row in range(gradients.shape[0]):
        first_row, last_row = max(row * strides[0] - top, 0), min(row * strides[0] - top + pool[0], rows)
        for channel in range(channels):
            for column in range(gradients.shape[2]):
                first, last = max(column * strides[1] - left, 0), min(column * strides[1] - left + pool[1], columns)
                weight = np.float32(1 / ((last_row - first_row) * (last - first)))
                gradient = gradients[row, channel, column]
                for y in range(first_row, last_row):
                    for x in range(first, last):
                        target = input_gradients[y, channel, x]
                        for n in range(n_images):
                            target[n] += gradient[n] * weight


@compiled
def flatten(images: Values, out: Values) -> None:
    """Copy `images` (HCWN) into `out`, (rows · columns · channels, n_images) float32, in Keras' order of pixels."""
    i = 0
    for row in range(images.shape[0]):
        for column in range(images.shape[2]):
            for channel in range(images.shape[1]):
                out[i] = images[row, channel, column]
                i += 1


@compiled
def unflatten(values: Values, images: Values) -> None:
    """The inverse of `flatten`: copy `values` (rows · columns · channels, n_images) float32 into `images` (HCWN)."""
    i = 0
    for row in range(images.shape[0]):
        for column in range(images.shape[2]):
            for channel in range(images.shape[1]):
                images[row, channel, column] = values[i]
                i += 1
