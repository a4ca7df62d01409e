"""What this machine can do at best, measured: `python -m tests.bench.peaks` prints it as JSON.

A process of its own, since the libraries read how many threads they may use as they load.
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

SIDE = 2048  # of the square matrices: large enough for the caches not to matter, 0.1 s a product
PIXELS = 784
IMAGES = 60_000
COPIED = 256 << 20
IN_CACHE = 256 << 10
TIMES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """Operations a second on all cores: additions and multiplications of matrix products, in three widths; operations
    on single bytes; comparisons of a sort of float32. And bytes a second that are read or written."""

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
    """Seconds of the fastest of several calls, after one that does not count."""
    act()
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def on_all_cores(act: Callable[[int], Any]) -> Callable[[], Any]:
    cores = os.cpu_count() or 1
    threads = ThreadPoolExecutor(cores)
    return lambda: list(threads.map(act, range(cores)))


def matrix_product(kind: type, side: int = SIDE) -> float:
    random = np.random.default_rng(1)
    left: Values = random.random((side, side)).astype(kind)
    right: Values = random.random((side, side)).astype(kind)
    return 2 * side**3 / fastest(lambda: left @ right)


def integer_product(side: int = SIDE) -> float:
    """uint8 × int8 → int32, of the width of an image's pixels; by the library that multiplies fastest here."""
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
    """The greater of two bytes, over arrays in each core's own cache."""
    cores, repeats = os.cpu_count() or 1, 200
    arrays = [np.random.default_rng(core).integers(0, 256, (2, IN_CACHE), dtype=np.uint8) for core in range(cores)]

    def act(core: int) -> None:
        left, right = arrays[core]
        for _ in range(repeats):
            np.maximum(left, right, out=left)

    return cores * repeats * IN_CACHE / fastest(on_all_cores(act))


def sorting() -> float:
    cores = os.cpu_count() or 1
    values = np.random.default_rng(1).random(IMAGES).astype(np.float32)
    repeats = 20
    comparisons = cores * repeats * IMAGES * math.log2(IMAGES)
    return comparisons / fastest(on_all_cores(lambda core: [np.sort(values) for _ in range(repeats)]))


def copying() -> float:
    cores = os.cpu_count() or 1
    pairs = [(np.ones(COPIED // 8), np.zeros(COPIED // 8)) for _ in range(cores)]
    return 2 * cores * COPIED / fastest(on_all_cores(lambda core: np.copyto(pairs[core][1], pairs[core][0])))


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
