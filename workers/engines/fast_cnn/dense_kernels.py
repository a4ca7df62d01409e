"""What a network does outside its images: dense layers, activations, losses and optimizers' steps, compiled.

Units lie as units × images. A loss's gradients are its derivatives; activations' are taken from what came out.
"""

from __future__ import annotations

import numpy as np

from workers.engines.fast_cnn.image_kernels import ZERO, compiled
from workers.engines.run import Values


@compiled
def connect(values: Values, kernel: Values, bias: Values, out: Values, least: np.float32) -> None:
    """`kernel` is units × inputs; what comes out below `least` becomes `least`."""
    np.dot(kernel, values, out)
    for i in range(out.shape[0]):
        add = bias[i]
        for j in range(out.shape[1]):
            value = out[i, j] + add
            out[i, j] = least if value < least else value


@compiled
def add_up(gradients: Values, bias_gradients: Values) -> None:
    for i in range(gradients.shape[0]):
        total = ZERO
        for j in range(gradients.shape[1]):
            total += gradients[i, j]
        bias_gradients[i] += total


@compiled
def relu_back(out: Values, gradients: Values, gradient: np.float32) -> None:
    """`gradient` is what is left of a gradient where the output is not above 0."""
    for j in range(out.size):
        gradients[j] *= np.float32(1) if out[j] > 0 else gradient


@compiled
def tanh_back(out: Values, gradients: Values) -> None:
    for j in range(out.size):
        gradients[j] *= np.float32(1) - out[j] * out[j]


@compiled
def sigmoid_back(out: Values, gradients: Values) -> None:
    for j in range(out.size):
        gradients[j] *= out[j] * (np.float32(1) - out[j])


@compiled
def softmax(values: Values) -> None:
    for lane in range(values.shape[1]):
        most, total = values[:, lane].max(), ZERO
        for i in range(values.shape[0]):
            values[i, lane] = np.exp(values[i, lane] - most)
            total += values[i, lane]
        for i in range(values.shape[0]):
            values[i, lane] /= total


@compiled
def softmax_back(out: Values, gradients: Values) -> None:
    for lane in range(out.shape[1]):
        total = ZERO
        for i in range(out.shape[0]):
            total += out[i, lane] * gradients[i, lane]
        for i in range(out.shape[0]):
            gradients[i, lane] = out[i, lane] * (gradients[i, lane] - total)


@compiled
def drop(values: Values, out: Values, kept: Values, rate: float, key: int) -> None:
    """`kept` becomes 0, or 1 / (1 − rate), at random: by murmur3's 32-bit finalizer (Appleby) of place and key."""
    scale, limit = np.float32(1 / (1 - rate)), np.uint32(rate * 2**32)
    for j in range(values.size):
        bits = np.uint32(np.uint32(j) * np.uint32(0x9E3779B1) + np.uint32(key))  # or it becomes 64 bits wide
        bits = np.uint32((bits ^ (bits >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        bits = np.uint32((bits ^ (bits >> np.uint32(13))) * np.uint32(0xC2B2AE35))
        bits = np.uint32(bits ^ (bits >> np.uint32(16)))
        kept[j] = scale if bits >= limit else ZERO
        out[j] = values[j] * kept[j]


@compiled
def cross_entropy(
    logits: Values, labels: Values, count: int, share: np.float32, gradients: Values
) -> tuple[float, int]:
    """(sum of losses, right answers) of the first `count` images; gradients times `share`, and 0 for the others."""
    loss, right = 0.0, 0
    gradients[:] = ZERO
    for lane in range(count):
        label, best = labels[lane], logits[:, lane].argmax()
        most, total = logits[best, lane], ZERO
        for i in range(logits.shape[0]):
            gradients[i, lane] = np.exp(logits[i, lane] - most)
            total += gradients[i, lane]
        loss += np.log(total) - (logits[label, lane] - most)
        right += best == label
        for i in range(logits.shape[0]):
            gradients[i, lane] *= share / total
        gradients[label, lane] -= share
    return loss, right


@compiled
def squared_error(
    outputs: Values, labels: Values, count: int, share: np.float32, gradients: Values
) -> tuple[float, int]:
    """As `cross_entropy`; an image's loss is the mean over the classes."""
    loss, right = 0.0, 0
    classes = outputs.shape[0]
    gradients[:] = ZERO
    for lane in range(count):
        right += outputs[:, lane].argmax() == labels[lane]
        for i in range(classes):
            error = outputs[i, lane] - np.float32(i == labels[lane])
            loss += error * error / classes
            gradients[i, lane] = 2 * error * share / classes
    return loss, right
