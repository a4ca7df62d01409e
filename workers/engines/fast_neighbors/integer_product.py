"""Exact products of 8-bit images by ONNX Runtime's integer matrix product, several times as fast as floats.

Pixels are whole numbers from 0 to 255, so every sum here fits 32 bits: 784 × 255² < 2³¹.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from workers.engines.run import Values

BLOCK = 4096  # images a product: small enough for its result to stay in the cache
SHIFT = 128  # makes an unsigned pixel a signed one
OPSET, IR = 13, 9


def _session(right: Values) -> Any:
    """A product of any uint8 matrix with `right` (features × images), kept packed; int32, one thread."""
    left = helper.make_tensor_value_info("left", TensorProto.UINT8, ["queries", "features"])
    product = helper.make_tensor_value_info("product", TensorProto.INT32, ["queries", "images"])
    node = helper.make_node("MatMulInteger", ["left", "right"], ["product"])
    graph = helper.make_graph([node], "product", [left], [product], [numpy_helper.from_array(right, "right")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True, slots=True)
class Way:
    """How queries and images become 8-bit operands: without `bits` of the queries, and less `shift` the images.

    Signed images are multiplied fastest. Where two products are added up in 16 bits, without VNNI, they must be of
    halved queries; whole queries are exact there only with unsigned images, which takes a quarter longer.
    """

    shift: int
    bits: int = 0

    def left(self, queries: Values) -> Values:
        return queries >> self.bits

    def right(self, images: Values) -> Values:
        signed = (images.astype(np.int16) - self.shift).astype(np.int8) if self.shift else images
        return np.ascontiguousarray(signed.T)

    def is_exact(self) -> bool:
        """Whether this processor multiplies so, which extreme pixels show."""
        pixels = np.full((4, 64), 255, np.uint8)
        pixels[1::2, ::2] = 0
        left, right = self.left(pixels), self.right(pixels)
        wanted = left.astype(np.int32) @ right.astype(np.int32)
        return np.array_equal(_session(right).run(None, {"left": left})[0], wanted)


SIGNED, HALVED, UNSIGNED = Way(SHIFT), Way(SHIFT, bits=1), Way(0)


@cache
def exact_way() -> Way | None:
    """The fastest one with whole queries that this processor multiplies exactly; None if there is none."""
    return next((way for way in (SIGNED, UNSIGNED) if way.is_exact()), None)


@cache
def quickest_way() -> Way | None:
    """The fastest one that it multiplies exactly, be it with halved queries."""
    return next((way for way in (SIGNED, HALVED, UNSIGNED) if way.is_exact()), None)


class IntegerProduct:
    """The images (n × features, uint8) that queries are multiplied with; may be used by several threads at once.

    Pixels that are black in all images add nothing, and are left out.
    """

    def __init__(self, images: Values, way: Way) -> None:
        self.way = way
        self._inked = np.flatnonzero(images.any(axis=0)) if images.any() else np.arange(1)
        starts = range(0, len(images), BLOCK)
        self._blocks = [(start, _session(way.right(images[start : start + BLOCK, self._inked]))) for start in starts]

    def seen(self, queries: Values) -> Values:
        """The queries that are multiplied, as pixels: without their lowest bits, where the way drops them."""
        return self.way.left(queries) << self.way.bits

    def blocks(self, queries: Values) -> Iterator[tuple[int, Values]]:
        """(first image, q·x for the way's operands): int32, queries × images of that block, in the images' order.

        seen·image is 2^bits times that, and the shift times the sum of `seen` over the pixels that count.
        """
        left = np.ascontiguousarray(self.way.left(queries[:, self._inked]))
        for start, session in self._blocks:
            yield start, session.run(None, {"left": left})[0]

    def missing(self, queries: Values) -> Values:
        """What the shift took from seen·image of each query: int32."""
        total: Values = self.seen(queries[:, self._inked]).sum(axis=1, dtype=np.int32)
        return self.way.shift * total


def version() -> str:
    """ONNX is only how the product is written down; the runtime computes it."""
    return f"{onnxruntime.__version__} (onnx {onnx.__version__})"
