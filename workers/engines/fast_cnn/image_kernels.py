"""Convolution and pooling, forwards and backwards, over a few images at a time.

Images lie as rows × channels × columns × images, so that every inner loop runs over neighbouring numbers – the same
place of several images – and a convolution is one product of matrices for each row of its output. For that, `expand`
writes each row once for every column of the window; the rows that a window sees then lie side by side.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from workers.engines.run import Values

# Sums may be taken in any order; infinities and NaN keep their meaning, for a training that diverges.
compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})

ZERO = np.float32(0)


@compiled
def gather(images: Values, chosen: Values, brightness: Values, out: Values) -> None:
    """The `chosen` of `images` (n × rows × columns × channels, bytes) into `out`, each byte as its `brightness`.

    Where `out` is larger, its border stays as it is.
    """
    rows, columns, channels = images.shape[1:]
    above, before = (out.shape[0] - rows) // 2, (out.shape[2] - columns) // 2
    for lane in range(out.shape[3]):
        image = images[chosen[lane]]
        for row in range(rows):
            for channel in range(channels):
                for column in range(columns):
                    out[above + row, channel, before + column, lane] = brightness[image[row, column, channel]]


@compiled
def _seen(offset: int, stride: int, columns: int, places: int) -> tuple[int, int]:
    """The places (from, to) at which a window's column, `offset` right of the place, lies within the image."""
    first = max(0, (-offset + stride - 1) // stride)
    return first, max(first, min(places, (columns - 1 - offset) // stride + 1))


@compiled
def expand(images: Values, expanded: Values, width: int, stride: int, top: int, left: int) -> None:
    """`expanded` is rows × (channels · width) × (places · images), with zeros for what lies outside."""
    rows, channels, columns, lanes = images.shape
    places = expanded.shape[2] // lanes
    for row in range(expanded.shape[0]):
        if not top <= row < rows + top:
            expanded[row] = ZERO
            continue
        for channel in range(channels):
            source = images[row - top, channel].reshape(-1)
            for k in range(width):
                target = expanded[row, channel * width + k]
                first, last = _seen(k - left, stride, columns, places)
                target[: first * lanes] = ZERO
                target[last * lanes :] = ZERO
                if stride == 1:
                    shift = (k - left) * lanes
                    for j in range(first * lanes, last * lanes):
                        target[j] = source[j + shift]
                else:
                    for place in range(first, last):
                        start = (place * stride + k - left) * lanes
                        for lane in range(lanes):
                            target[place * lanes + lane] = source[start + lane]


@compiled
def collapse(expanded: Values, images: Values, width: int, stride: int, top: int, left: int) -> None:
    """The reverse of `expand`: everything that came from one place of an image is added up there."""
    rows, channels, columns, lanes = images.shape
    places = expanded.shape[2] // lanes
    images[:] = ZERO
    for row in range(max(top, 0), min(expanded.shape[0], rows + top)):
        for channel in range(channels):
            target = images[row - top, channel].reshape(-1)
            for k in range(width):
                source = expanded[row, channel * width + k]
                first, last = _seen(k - left, stride, columns, places)
                if stride == 1:
                    shift = (k - left) * lanes
                    for j in range(first * lanes, last * lanes):
                        target[j + shift] += source[j]
                else:
                    for place in range(first, last):
                        start = (place * stride + k - left) * lanes
                        for lane in range(lanes):
                            target[start + lane] += source[place * lanes + lane]


@compiled
def convolve(
    expanded: Values, kernel: Values, bias: Values, out: Values, height: int, stride: int, least: np.float32
) -> None:
    """`kernel` is filters × (height · channels · width); what comes out below `least` becomes `least`."""
    rows, filters = out.shape[:2]
    for row in range(rows):
        window = expanded[row * stride : row * stride + height].reshape(kernel.shape[1], -1)
        line = out[row].reshape(filters, -1)
        np.dot(kernel, window, line)
        for i in range(filters):
            add = bias[i]
            for j in range(line.shape[1]):
                value = line[i, j] + add
                line[i, j] = least if value < least else value


@compiled
def convolve_back(
    expanded: Values,
    kernel: Values,
    gradients: Values,
    kernel_gradients: Values,
    bias_gradients: Values,
    expanded_gradients: Values,
    height: int,
    stride: int,
) -> None:
    """From the loss's gradients at the output: adds to those of kernel and bias, sets those of the expanded input.

    An empty `expanded_gradients` leaves those out.
    """
    rows, filters = gradients.shape[:2]
    partly, seen = np.empty_like(kernel), np.empty((kernel.shape[1], expanded.shape[2]), np.float32)
    turned = np.ascontiguousarray(kernel.T)
    expanded_gradients[:] = ZERO
    for row in range(rows):
        window = expanded[row * stride : row * stride + height].reshape(kernel.shape[1], -1)
        line = gradients[row].reshape(filters, -1)
        np.dot(line, window.T, partly)
        kernel_gradients += partly
        for i in range(filters):
            total = ZERO
            for j in range(line.shape[1]):
                total += line[i, j]
            bias_gradients[i] += total
        if expanded_gradients.size:
            np.dot(turned, line, seen)
            target, source = expanded_gradients[row * stride : row * stride + height].reshape(-1), seen.reshape(-1)
            for j in range(source.size):
                target[j] += source[j]


@compiled
def max_pool(
    images: Values, out: Values, window: tuple[int, int], strides: tuple[int, int], top: int, left: int
) -> None:
    rows, channels, columns, lanes = images.shape
    for row in range(out.shape[0]):
        for channel in range(channels):
            for place in range(out.shape[2]):
                most = out[row, channel, place]
                most[:] = -np.inf
                for y in range(max(row * strides[0] - top, 0), min(row * strides[0] - top + window[0], rows)):
                    for x in range(
                        max(place * strides[1] - left, 0), min(place * strides[1] - left + window[1], columns)
                    ):
                        values = images[y, channel, x]
                        for lane in range(lanes):
                            most[lane] = most[lane] if values[lane] < most[lane] else values[lane]


@compiled
def max_pool_back(
    images: Values,
    out: Values,
    gradients: Values,
    back: Values,
    window: tuple[int, int],
    strides: tuple[int, int],
    top: int,
    left: int,
) -> None:
    """The gradient of a largest value goes to the first place where it stands, row by row."""
    rows, channels, columns, lanes = images.shape
    rest = np.empty(lanes, np.float32)
    back[:] = ZERO
    for row in range(out.shape[0]):
        for channel in range(channels):
            for place in range(out.shape[2]):
                most, given = out[row, channel, place], gradients[row, channel, place]
                for lane in range(lanes):
                    rest[lane] = given[lane]
                for y in range(max(row * strides[0] - top, 0), min(row * strides[0] - top + window[0], rows)):
                    for x in range(
                        max(place * strides[1] - left, 0), min(place * strides[1] - left + window[1], columns)
                    ):
                        values, target = images[y, channel, x], back[y, channel, x]
                        for lane in range(lanes):
                            here = rest[lane] if values[lane] == most[lane] else ZERO
                            target[lane] += here
                            rest[lane] -= here


@compiled
def mean_pool(
    images: Values, out: Values, window: tuple[int, int], strides: tuple[int, int], top: int, left: int
) -> None:
    """The mean of what lies within the image: zeros around it do not count."""
    rows, channels, columns, lanes = images.shape
    for row in range(out.shape[0]):
        first_row, last_row = max(row * strides[0] - top, 0), min(row * strides[0] - top + window[0], rows)
        for channel in range(channels):
            for place in range(out.shape[2]):
                first, last = max(place * strides[1] - left, 0), min(place * strides[1] - left + window[1], columns)
                share = np.float32(1 / ((last_row - first_row) * (last - first)))
                total = out[row, channel, place]
                total[:] = ZERO
                for y in range(first_row, last_row):
                    for x in range(first, last):
                        values = images[y, channel, x]
                        for lane in range(lanes):
                            total[lane] += values[lane] * share


@compiled
def mean_pool_back(
    gradients: Values, back: Values, window: tuple[int, int], strides: tuple[int, int], top: int, left: int
) -> None:
    rows, channels, columns, lanes = back.shape
    back[:] = ZERO
    for row in range(gradients.shape[0]):
        first_row, last_row = max(row * strides[0] - top, 0), min(row * strides[0] - top + window[0], rows)
        for channel in range(channels):
            for place in range(gradients.shape[2]):
                first, last = max(place * strides[1] - left, 0), min(place * strides[1] - left + window[1], columns)
                share = np.float32(1 / ((last_row - first_row) * (last - first)))
                given = gradients[row, channel, place]
                for y in range(first_row, last_row):
                    for x in range(first, last):
                        target = back[y, channel, x]
                        for lane in range(lanes):
                            target[lane] += given[lane] * share


@compiled
def flatten(images: Values, out: Values) -> None:
    """Into (rows · columns · channels) × images, as Keras orders them."""
    place = 0
    for row in range(images.shape[0]):
        for column in range(images.shape[2]):
            for channel in range(images.shape[1]):
                out[place] = images[row, channel, column]
                place += 1


@compiled
def unflatten(values: Values, images: Values) -> None:
    place = 0
    for row in range(images.shape[0]):
        for column in range(images.shape[2]):
            for channel in range(images.shape[1]):
                images[row, channel, column] = values[place]
                place += 1
