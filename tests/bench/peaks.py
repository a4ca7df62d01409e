"""Measures this machine's peak rates: `python -m tests.bench.peaks` prints them as JSON.

In a process of its own, since libraries read their number of threads when they are loaded.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workers.engines.run import Values

SIDE = 2048  # of the square matrices: so large that caches do not matter, 0.1 s a product
PIXELS = 784
IMAGES = 60_000
COPIED_BYTES = 256 << 20
CACHED_BYTES = 256 << 10
REPEATS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """Peak rates on all cores, per second.

    `float64`, `float32` and `int8` count the additions and multiplications of matrix products, `byte_ops` operations on
    single bytes, `comparisons` those of a sort of float32, and `copied` bytes that are read or written.
    """

    float64: float
    float32: float
    int8: float
    byte_ops: float
    comparisons: float
    copied: float

    def __str__(self) -> str:
        return (
            f"peaks: float64 {self.float64 / 1e9:,.0f} and float32 {self.float32 / 1e9:,.0f} GFLOP/s, int8 "
            f"{self.int8 / 1e9:,.0f} and bytes {self.byte_ops / 1e9:,.0f} GOP/s, sorting "
            f"{self.comparisons / 1e9:,.1f} G comparisons/s, memory {self.copied / 1e9:,.1f} GB/s"
        )


def fastest(act: Callable[[], Any]) -> float:
    """Seconds of the fastest of several calls, after a first one that is not timed."""
    act()
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def on_all_cores(act: Callable[[int], Any]) -> Callable[[], Any]:
    """A function that calls `act` with the number of each core, on a thread for each."""
    cores = os.cpu_count() or 1
    threads = ThreadPoolExecutor(cores)
    return lambda: list(threads.map(act, range(cores)))


def matrix_product(dtype: type, side: int = SIDE) -> float:
    """Operations per second of a product of two (side, side) matrices."""
    random = np.random.default_rng(1)
    left: Values = random.random((side, side)).astype(dtype)
    right: Values = random.random((side, side)).astype(dtype)
    return 2 * side**3 / fastest(lambda: left @ right)


def integer_product(side: int = SIDE) -> float:
    """Operations per second of (side, 784) uint8 × (784, side) int8 → int32, by ONNX Runtime, the fastest here."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(1)
    left = random.integers(0, 256, (side, PIXELS), dtype=np.uint8)
    right = numpy_helper.from_array(random.integers(-128, 128, (PIXELS, side), dtype=np.int8), "right")
    node = helper.make_node("MatMulInteger", ["left", "right"], ["product"])
    given = helper.make_tensor_value_info("left", TensorProto.UINT8, ["queries", "pixels"])
    product = helper.make_tensor_value_info("product", TensorProto.INT32, ["queries", "images"])
    graph = helper.make_graph([node], "peak", [given], [product], [right])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return 2 * side * side * PIXELS / fastest(lambda: session.run(None, {"left": left}))


def byte_operations() -> float:
    """Maxima of two bytes per second, over arrays in each core's own cache."""
    cores, repeats = os.cpu_count() or 1, 200
    arrays = [np.random.default_rng(core).integers(0, 256, (2, CACHED_BYTES), dtype=np.uint8) for core in range(cores)]

    def act(core: int) -> None:
        left, right = arrays[core]
        for _ in range(repeats):
            np.maximum(left, right, out=left)

    return cores * repeats * CACHED_BYTES / fastest(on_all_cores(act))


def sorting() -> float:
    """Comparisons per second of sorting (60,000,) float32, at n·log₂ n comparisons for each sort."""
    cores = os.cpu_count() or 1
    values = np.random.default_rng(1).random(IMAGES).astype(np.float32)
    repeats = 20
    comparisons = cores * repeats * IMAGES * math.log2(IMAGES)
    return comparisons / fastest(on_all_cores(lambda core: [np.sort(values) for _ in range(repeats)]))


def copying() -> float:
    """Bytes per second that are read or written while copying."""
    cores = os.cpu_count() or 1
    pairs = [(np.ones(COPIED_BYTES // 8), np.zeros(COPIED_BYTES // 8)) for _ in range(cores)]
    return 2 * cores * COPIED_BYTES / fastest(on_all_cores(lambda core: np.copyto(pairs[core][1], pairs[core][0])))


def measure() -> Peaks:
    return Peaks(
        float64=matrix_product(np.float64),
        float32=matrix_product(np.float32),
        int8=integer_product(),
        byte_ops=byte_operations(),
        comparisons=sorting(),
        copied=copying(),
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(measure())) + "\n")
