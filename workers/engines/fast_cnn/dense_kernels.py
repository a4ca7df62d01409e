"""Dense layers, activations, dropout and losses as compiled kernels, over a micro-batch of images.

Layout `UN`: (units, n_images) float32, one column an image. Activations and dropout work element by element on flat
views, (size,) float32. An activation's derivative is computed from its output, so its input need not be kept.
Kernels write into the arrays that they are given.
"""

from __future__ import annotations

import numpy as np

from workers.engines.fast_cnn.image_kernels import ZERO, compiled
from workers.engines.run import Values


@compiled
def dense_forward(values: Values, kernel: Values, bias: Values, out: Values, lower_bound: np.float32) -> None:
    """Set `out` (UN) to max(kernel · values + bias, `lower_bound`).

    `values` is UN, `kernel` (units, inputs) float32, `bias` (units,) float32. A `lower_bound` of 0 is a ReLU in the
    same pass; −∞ is none.
    """
    np.dot(kernel, values, out)
    for i in range(out.shape[0]):
        add = bias[i]
        for j in range(out.shape[1]):
            value = out[i, j] + add
            out[i, j] = lower_bound if value < lower_bound else value


@compiled
def add_bias_gradients(gradients: Values, bias_gradients: Values) -> None:
    """Add each unit's sum of `gradients` (UN) to `bias_gradients`, (units,) float32."""
    for i in range(gradients.shape[0]):
        total = ZERO
        for j in range(gradients.shape[1]):
            total += gradients[i, j]
        bias_gradients[i] += total


@compiled
def relu_backward(out: Values, gradients: Values, negative_slope: np.float32) -> None:
    """Scale the flat `gradients` in place: by 1 where the output is above 0, else by `negative_slope`."""
    for j in range(out.size):
        gradients[j] *= np.float32(1) if out[j] > 0 else negative_slope


@compiled
def tanh_backward(out: Values, gradients: Values) -> None:
    """Scale the flat `gradients` in place by tanh' = 1 − out²."""
    for j in range(out.size):
        gradients[j] *= np.float32(1) - out[j] * out[j]


@compiled
def sigmoid_backward(out: Values, gradients: Values) -> None:
    """Scale the flat `gradients` in place by σ' = out · (1 − out)."""
    for j in range(out.size):
        gradients[j] *= out[j] * (np.float32(1) - out[j])


@compiled
def softmax(values: Values) -> None:
    """Replace each column of `values` (UN) by its softmax; subtracting its maximum first keeps exp from overflowing."""
    for n in range(values.shape[1]):
        maximum, total = values[:, n].max(), ZERO
        for i in range(values.shape[0]):
            values[i, n] = np.exp(values[i, n] - maximum)
            total += values[i, n]
        for i in range(values.shape[0]):
            values[i, n] /= total


@compiled
def softmax_backward(out: Values, gradients: Values) -> None:
    """Replace `gradients` (UN) at the softmax's output `out` (UN) by those at its input: out · (g − Σ out·g)."""
    for n in range(out.shape[1]):
        total = ZERO
        for i in range(out.shape[0]):
            total += out[i, n] * gradients[i, n]
        for i in range(out.shape[0]):
            gradients[i, n] = out[i, n] * (gradients[i, n] - total)


@compiled
def dropout(values: Values, out: Values, mask: Values, rate: float, key: int) -> None:
    """Set the flat `mask` to 0 with probability `rate`, else to 1 / (1 − rate), and `out` to values · mask.

    The random bits of an element are murmur3's 32-bit finalizer (Austin Appleby) of its index and `key`, a 32-bit
    integer.
    """
    scale, limit = np.float32(1 / (1 - rate)), np.uint32(rate * 2**32)
    for j in range(values.size):
        # Each step is cast back to 32 bits, as numba would widen it to 64.
        bits = np.uint32(np.uint32(j) * np.uint32(0x9E3779B1) + np.uint32(key))
        bits = np.uint32((bits ^ (bits >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        bits = np.uint32((bits ^ (bits >> np.uint32(13))) * np.uint32(0xC2B2AE35))
        bits = np.uint32(bits ^ (bits >> np.uint32(16)))
        mask[j] = scale if bits >= limit else ZERO
        out[j] = values[j] * mask[j]


@compiled
def cross_entropy(
    logits: Values, labels: Values, count: int, weight: np.float32, gradients: Values
) -> tuple[float, int]:
    """The sum of the losses of the first `count` images, and how many of them are classified correctly.

    `logits` is UN, `labels` (at least `count`,) int64. Sets `gradients` (UN) to those of `weight` times the sum, and to
    0 for the images after `count`.
    """
    loss, correct = 0.0, 0
    gradients[:] = ZERO
    for n in range(count):
        label, best = labels[n], logits[:, n].argmax()
        maximum, total = logits[best, n], ZERO
        for i in range(logits.shape[0]):
            gradients[i, n] = np.exp(logits[i, n] - maximum)
            total += gradients[i, n]
        loss += np.log(total) - (logits[label, n] - maximum)
        correct += best == label
        for i in range(logits.shape[0]):
            gradients[i, n] *= weight / total
        gradients[label, n] -= weight
    return loss, correct


@compiled
def squared_error(
    outputs: Values, labels: Values, count: int, weight: np.float32, gradients: Values
) -> tuple[float, int]:
    """As `cross_entropy`, for the mean over the classes of the squared error to the one-hot label."""
    loss, correct = 0.0, 0
    classes = outputs.shape[0]
    gradients[:] = ZERO
    for n in range(count):
        correct += outputs[:, n].argmax() == labels[n]
        for i in range(classes):
            error = outputs[i, n] - np.float32(i == labels[n])
            loss += error * error / classes
            gradients[i, n] = 2 * error * weight / classes
    return loss, correct
