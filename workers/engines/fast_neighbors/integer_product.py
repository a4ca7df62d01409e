"""Exact matrix products of 8-bit images by ONNX Runtime's `MatMulInteger`, several times as fast as float products.

Pixels are whole numbers from 0 to 255, so every sum here fits 32 bits: 784 × 255² < 2³¹.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from workers.engines.run import Values

IMAGES_PER_BLOCK = 4096  # in one product: few enough for its result to stay in the cache
SIGNED_ZERO_POINT = 128  # subtracted from an unsigned pixel, it makes a signed one
OPSET, IR_VERSION = 13, 9


def _product_session(right: Values) -> Any:
    """An ONNX session that multiplies (n_queries, n_features) uint8 by `right`: (n_queries, n_images) int32.

    `right` is (n_features, n_images) uint8 or int8; the session keeps it packed. It runs on one thread.
    """
    left = helper.make_tensor_value_info("left", TensorProto.UINT8, ["queries", "features"])
    product = helper.make_tensor_value_info("product", TensorProto.INT32, ["queries", "images"])
    node = helper.make_node("MatMulInteger", ["left", "right"], ["product"])
    graph = helper.make_graph([node], "product", [left], [product], [numpy_helper.from_array(right, "right")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True, slots=True)
class OperandEncoding:
    """How queries and images become 8-bit operands: queries lose their lowest `dropped_bits`, images a `zero_point`.

    Signed images are multiplied fastest. A processor without VNNI adds up pairs of their products in 16 bits, which is
    exact only with halved queries; with whole queries only unsigned images are exact there, which takes a quarter
    longer.
    """

    zero_point: int
    dropped_bits: int = 0

    def encode_queries(self, queries: Values) -> Values:
        """(n_queries, n_features) uint8, shifted right."""
        return queries >> self.dropped_bits

    def encode_images(self, images: Values) -> Values:
        """(n_images, n_features) uint8 as (n_features, n_images): int8 with a zero point, else uint8."""
        signed = (images.astype(np.int16) - self.zero_point).astype(np.int8) if self.zero_point else images
        return np.ascontiguousarray(signed.T)

    def is_exact(self) -> bool:
        """Whether this processor multiplies such operands exactly; tried on extreme pixels."""
        pixels = np.full((4, 64), 255, np.uint8)
        pixels[1::2, ::2] = 0
        left, right = self.encode_queries(pixels), self.encode_images(pixels)
        expected = left.astype(np.int32) @ right.astype(np.int32)
        return np.array_equal(_product_session(right).run(None, {"left": left})[0], expected)


SIGNED = OperandEncoding(SIGNED_ZERO_POINT)
HALVED = OperandEncoding(SIGNED_ZERO_POINT, dropped_bits=1)
UNSIGNED = OperandEncoding(0)


@cache
def fastest_lossless_encoding() -> OperandEncoding | None:
    """The fastest encoding with whole queries that this processor multiplies exactly; None without one."""
    return next((encoding for encoding in (SIGNED, UNSIGNED) if encoding.is_exact()), None)


@cache
def fastest_encoding() -> OperandEncoding | None:
    """The fastest encoding that this processor multiplies exactly, even with halved queries; None without one."""
    return next((encoding for encoding in (SIGNED, HALVED, UNSIGNED) if encoding.is_exact()), None)


class IntegerProduct:
    """Products of queries with `images`, (n_images, n_features) uint8; several threads may use one at once.

    Pixels that are black in all images add nothing to a product and are left out of it.
    """

    def __init__(self, images: Values, encoding: OperandEncoding) -> None:
        self.encoding = encoding
        self._used_pixels = np.flatnonzero(images.any(axis=0)) if images.any() else np.arange(1)
        starts = range(0, len(images), IMAGES_PER_BLOCK)
        self._blocks = [
            (
                start,
                _product_session(encoding.encode_images(images[start : start + IMAGES_PER_BLOCK, self._used_pixels])),
            )
            for start in starts
        ]

    def truncate(self, queries: Values) -> Values:
        """The queries as the product sees them, same shape and dtype: uint8 without their dropped bits."""
        return self.encoding.encode_queries(queries) << self.encoding.dropped_bits

    def blocks(self, queries: Values) -> Iterator[tuple[int, Values]]:
        """For each block of images: the index of its first one, and encoded query · encoded image.

        `queries` is (n_queries, n_features) uint8, a product (n_queries, images of the block) int32. With t a truncated
        query and x an image, t·x = 2^dropped_bits · product + `zero_point_correction`.
        """
        left = np.ascontiguousarray(self.encoding.encode_queries(queries[:, self._used_pixels]))
        for start, session in self._blocks:
            yield start, session.run(None, {"left": left})[0]

    def zero_point_correction(self, queries: Values) -> Values:
        """zero_point · Σ t over the pixels in the product, t being the truncated query: (n_queries,) int32."""
        total: Values = self.truncate(queries[:, self._used_pixels]).sum(axis=1, dtype=np.int32)
        return self.encoding.zero_point * total
