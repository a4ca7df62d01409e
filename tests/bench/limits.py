"""The least time that a model's training and scoring could take: its operations at the measured peak.

What is counted is the work that no way known to us goes without – not ours in particular – so a limit can be
approached, and is never a promise. docs/performance.md has the formulas in words.
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

DRAWN = 1 - 1 / math.e  # of the images, by a bootstrap sample of their number
A_DIFFERENCE = 3  # operations on bytes to the greatest difference: greater, less, and greater again


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Of a data set: images to train on, images to score on, pixels of each."""

    train: int
    test: int
    pixels: int

    @classmethod
    def of(cls, dataset: str) -> Size:
        data = store.load(dataset)
        height, width = store.SHAPES[dataset]
        return cls(train=len(data.train_labels), test=len(data.test_labels), pixels=height * width)


def nearest_neighbours(spec: KNN, size: Size, peaks: Peaks) -> float:
    """Every pixel of every pair of images once: a multiplication and an addition of 8-bit integers."""
    pixels = size.train * size.test * size.pixels
    if spec.metric == "chebyshev":
        return A_DIFFERENCE * pixels / peaks.byte_ops
    return 2 * pixels / peaks.int8


def forest(spec: Forest, size: Size, peaks: Peaks) -> float:
    """Each node sorts its images by √pixels candidate pixels; balanced, a tree has log₂ n levels, halved at each."""
    images = DRAWN * size.train
    levels = math.log2(images)
    comparisons = images * levels * (levels + 1) / 2 * math.sqrt(size.pixels)
    return spec.n_estimators * comparisons / peaks.comparisons


def network(spec: CNN, size: Size, peaks: Peaks) -> float:
    """A multiplication and an addition for each weight at each place of its layer's output: once to score an image,
    three times to train on it (the outputs, and the gradients by inputs and by weights)."""
    forward = 2 * sum((row.trainable + row.fixed) * math.prod(row.output_shape[:-1]) for row in shapes.summary(spec))
    watched = size.train * spec.validation_split
    passes = spec.epochs * (3 * (size.train - watched) + watched) + size.test
    return passes * forward / peaks.float32


def limit_of(spec: Spec, size: Size, peaks: Peaks) -> float:
    match spec:
        case KNN():
            return nearest_neighbours(spec, size, peaks)
        case Forest():
            return forest(spec, size, peaks)
        case CNN():
            return network(spec, size, peaks)
    raise LookupError(f"No limit is known for {spec.family}.")
