"""Insight into a network: the kernels of its first layer with weights, and its output for ten test digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from workers.engines.run import Values
from workers.trainer.insight import Tested, packed

MOST_KERNELS, MOST_MAPS = 64, 16
MOST_MAP_BYTES = 120_000  # base64 adds a third
MOST_WEIGHTS = 40_000


def first_layer(estimator: Any, tested: Tested) -> dict[str, Any]:
    """Kernels, scaled so that 128 is a weight of 0, and maps, a row for each digit, scaled to its brightest pixel."""
    digits = [int(np.flatnonzero(tested.dataset.test_labels == digit)[0]) for digit in range(10)]
    values = estimator.keras_inputs(tested.images[digits])
    for layer in estimator.model.layers:
        values = np.asarray(layer(values, training=False), np.float32)
        weights = _weights(layer)
        if weights is not None:
            kernels = _kernels(weights, tested.dataset.test_images.shape[1])
            return _insight(layer.name, kernels, values, digits) if len(kernels) else {}
    return {}


def _insight(name: str, kernels: Values, values: Values, digits: list[int]) -> dict[str, Any]:
    return {
        "kind": "layer",
        "layer": name,
        "count": len(kernels),
        "kernels": packed(_around_grey(kernels[: min(MOST_KERNELS, MOST_WEIGHTS // kernels[0].size)])),
        **(_maps(values, digits) if values.ndim == 4 else {}),
    }


def _weights(layer: Any) -> Values | None:
    """The layer's kernel, float32; None if it has none."""
    weights = getattr(layer, "depthwise_kernel", None)
    weights = getattr(layer, "kernel", None) if weights is None else weights
    return None if weights is None else np.asarray(weights, np.float32)


def _kernels(weights: Values, side: int) -> Values:
    """The weights as (n, height, width); n is 0 where they make no pictures. `side` is the images' height."""
    if weights.ndim == 4:  # height × width × channels in × channels out, with one channel in, the images being grey
        return weights.transpose(2, 3, 0, 1).reshape(-1, *weights.shape[:2])
    rows = round(float(len(weights)) ** 0.5)
    if weights.ndim == 2 and rows * rows == len(weights) and rows >= side:  # each unit has a weight for each pixel
        return weights.T.reshape(-1, rows, rows)
    return weights[:0]


def _maps(values: Values, digits: list[int]) -> dict[str, Any]:
    height, width, channels = values.shape[1:]
    shown = min(channels, MOST_MAPS, MOST_MAP_BYTES // (len(digits) * height * width))
    maps = values[..., :shown].transpose(0, 3, 1, 2)
    low = maps.min(axis=(1, 2, 3), keepdims=True)
    span = np.maximum(maps.max(axis=(1, 2, 3), keepdims=True) - low, 1e-12)
    return {"digits": digits, "maps": packed((maps - low) / span * 255), "channels": channels}


def _around_grey(kernels: Values) -> Values:
    return 128 + 127 * kernels / max(float(np.abs(kernels).max()), 1e-12)
