"""The least time that a model's training and scoring could take: its operations at the measured peak rate.

Only operations are counted for which we know no shortcut, in our code or any other. A limit can be approached, but no
code need reach it. docs/performance.md has the formulas in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from submissions.specs import shapes
from submissions.specs.forest import Forest
from submissions.specs.knn import KNN
from submissions.specs.network import CNN
from submissions.specs.spec import Spec
from tests.bench.peaks import Peaks
from workers.datasets import store

BOOTSTRAP_SHARE = 1 - 1 / math.e  # of n images, how many differ in a bootstrap sample of n
OPERATIONS_PER_DIFFERENCE = 3  # on bytes, for the greatest difference: greater, less, and greater again


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of a data set: training images, test images, and pixels of each."""

    train: int
    test: int
    pixels: int

    @classmethod
    def of(cls, dataset: str) -> Size:
        data = store.load(dataset)
        height, width = store.SHAPES[dataset]
        return cls(train=len(data.train_labels), test=len(data.test_labels), pixels=height * width)


def nearest_neighbours(spec: KNN, size: Size, peaks: Peaks) -> float:
    """Seconds: a multiplication and an addition of 8-bit integers for each pixel of each pair of images."""
    pixels = size.train * size.test * size.pixels
    if spec.metric == "chebyshev":
        return OPERATIONS_PER_DIFFERENCE * pixels / peaks.byte_ops
    return 2 * pixels / peaks.int8


def forest(spec: Forest, size: Size, peaks: Peaks) -> float:
    """Seconds: each node sorts its images by √pixels candidate pixels; a balanced tree has log₂ n levels."""
    images = BOOTSTRAP_SHARE * size.train
    levels = math.log2(images)
    comparisons = images * levels * (levels + 1) / 2 * math.sqrt(size.pixels)
    return spec.n_estimators * comparisons / peaks.comparisons


def network(spec: CNN, size: Size, peaks: Peaks) -> float:
    """Seconds: a multiplication and an addition for each weight at each pixel of its layer's output.

    Once to score an image; three times to train on it, for the outputs and the gradients of inputs and weights.
    """
    forward = 2 * sum((row.trainable + row.fixed) * math.prod(row.output_shape[:-1]) for row in shapes.summary(spec))
    validated = size.train * spec.validation_split
    passes = spec.epochs * (3 * (size.train - validated) + validated) + size.test
    return passes * forward / peaks.float32


def limit_of(spec: Spec, size: Size, peaks: Peaks) -> float:
    """Seconds; LookupError for a family without a formula."""
    match spec:
        case KNN():
            return nearest_neighbours(spec, size, peaks)
        case Forest():
            return forest(spec, size, peaks)
        case CNN():
            return network(spec, size, peaks)
    raise LookupError(f"There is no limit for {spec.family}.")
