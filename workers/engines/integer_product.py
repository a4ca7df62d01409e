"""Exact products of 8-bit images by ONNX Runtime's integer matrix product, several times as fast as floats.

Pixels are whole numbers from 0 to 255, so every sum here fits 32 bits: 784 × 255² < 2³¹.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from workers.runs import Values

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


@cache
def exact_shift() -> int | None:
    """What to take from the images so that this processor multiplies them exactly; None if it never does.

    Signed is the faster. Without VNNI it saturates in between, which extreme pixels show.
    """
    pixels = np.full((4, 64), 255, np.uint8)
    pixels[1::2, ::2] = 0
    wanted = pixels.astype(np.int32) @ pixels.astype(np.int32).T
    return next((shift for shift in (SHIFT, 0) if np.array_equal(_multiply(pixels, pixels, shift), wanted)), None)


def _packed(images: Values, shift: int) -> Values:
    signed = (images.astype(np.int16) - shift).astype(np.int8) if shift else images
    return np.ascontiguousarray(signed.T)


def _multiply(queries: Values, images: Values, shift: int) -> Values:
    product: Values = _session(_packed(images, shift)).run(None, {"left": queries})[0]
    return product + shift * queries.sum(axis=1, dtype=np.int32)[:, None]


class IntegerProduct:
    """The images (n × features, uint8) that queries are multiplied with; may be used by several threads at once."""

    def __init__(self, images: Values) -> None:
        shift = exact_shift()
        if shift is None:
            raise ArithmeticError("This processor's integer products are not exact.")
        self.shift = shift
        starts = range(0, len(images), BLOCK)
        self._blocks = [(start, _session(_packed(images[start : start + BLOCK], shift))) for start in starts]

    def blocks(self, queries: Values) -> Iterator[tuple[int, Values]]:
        """(first image, products): int32, queries × images of that block, in the images' order."""
        missing = self.shift * queries.sum(axis=1, dtype=np.int32)[:, None]
        for start, session in self._blocks:
            product = session.run(None, {"left": queries})[0]
            product += missing
            yield start, product


def version() -> str:
    """ONNX is only how the product is written down; the runtime computes it."""
    return f"{onnxruntime.__version__} (onnx {onnx.__version__})"
