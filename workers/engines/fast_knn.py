"""K nearest neighbours, as scikit-learn defines it, found by integer products and compiled kernels.

`algorithm` and `leaf_size` say how to search, not what to find, so they make no difference here. What this does not
know – another metric, more neighbours than images – is left to scikit-learn as it comes, and the version says so.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

import numba
import numpy as np
import onnxruntime

from submissions.families.knn import KNN
from workers.engines import nearest, stock_knn
from workers.engines.integer_product import IntegerProduct, exact_shift
from workers.idx import Pixels
from workers.runs import Estimator, Labels, Run, Values

LIBRARIES = {"numba": numba.__version__, "onnxruntime": onnxruntime.__version__}

POWERS = {"euclidean": 2.0, "l2": 2.0, "sqeuclidean": 2.0, "manhattan": 1.0, "cityblock": 1.0, "l1": 1.0}
OTHERS = {"minkowski", "cosine", "chebyshev"}
QUERIES = 128  # at a time: their distances to all training images are 30 MB
CLASSES = 10


class FastNearestNeighbors:
    """Takes bytes; answers as `KNeighborsClassifier` does on the same pixels as float64."""

    def __init__(self, spec: KNN, run: Run) -> None:
        self.spec, self.run = spec, run
        self.power = spec.p if spec.metric == "minkowski" else POWERS.get(spec.metric)

    def prepare(self, images: Pixels) -> Values:
        return np.ascontiguousarray(images.reshape(len(images), -1))

    def fit(self, images: Values, labels: Labels) -> None:
        self.images, self.labels = images, labels.astype(np.int64)
        self.norms = (images.astype(np.int32) ** 2).sum(axis=1, dtype=np.int32)
        self.inked = np.count_nonzero(images, axis=1)
        self.products = IntegerProduct(images)

    def predict(self, images: Values) -> Labels:
        starts = range(0, len(images), QUERIES)
        done, lock = 0, Lock()

        def answer(start: int) -> Labels:
            nonlocal done
            answers = self._vote(*self.kneighbors(images[start : start + QUERIES]))
            with lock:
                done += 1
                self.run.progress("predict", done / len(starts))
            return answers

        with ThreadPoolExecutor(self.run.threads) as threads:
            return np.concatenate(list(threads.map(answer, starts)))

    def kneighbors(self, queries: Values) -> tuple[Values, Values]:
        """(distances, images) of the nearest: float64 and int64, queries × n_neighbors, nearest first."""
        shape = (len(queries), self.spec.n_neighbors)
        distances, images = np.full(shape, np.inf), np.full(shape, nearest.NOBODY)
        if self.spec.metric == "cosine":
            self._by_cosine(queries, distances, images)
        elif self.power is None:
            nearest.offer_maxima(queries, self.images, distances, images)
        else:
            self._by_power(queries, self.power, distances, images)
        return distances, images

    def _by_power(self, queries: Values, p: float, distances: Values, images: Values) -> None:
        squares = np.empty((len(queries), len(self.images)), np.int32)
        norms = (queries.astype(np.int32) ** 2).sum(axis=1, dtype=np.int32)
        for start, products in self.products.blocks(queries):
            block = squares[:, start : start + products.shape[1]]
            nearest.squares_from_products(products, self.norms[start : start + products.shape[1]], norms, block)
            nearest.offer_squares(block, start, distances, images)
        if p != 2:
            powers = np.arange(256, dtype=np.float64) ** p
            whole = int(p) if p == int(p) and p <= nearest.LONGEST_EXACT_POWER else 0
            nearest.refine(queries, self.images, squares, self.inked, powers, p, whole, distances, images)
        if self.spec.metric != "sqeuclidean":
            distances **= 1 / p

    def _by_cosine(self, queries: Values, distances: Values, images: Values) -> None:
        lengths = _lengths(self.norms)
        query_lengths = _lengths((queries.astype(np.int32) ** 2).sum(axis=1))
        for start, products in self.products.blocks(queries):
            of_block = lengths[start : start + products.shape[1]]
            nearest.offer_cosines(products, of_block, query_lengths, start, distances, images)

    def _vote(self, distances: Values, images: Values) -> Labels:
        weights = np.ones_like(distances)
        if self.spec.weights == "distance":
            with np.errstate(divide="ignore"):
                weights = 1 / distances
            same = np.isinf(weights)  # an image that is itself in the training set decides alone
            weights = np.where(same.any(axis=1, keepdims=True), same, weights)
        votes = np.zeros((len(images), CLASSES))
        np.add.at(votes, (np.arange(len(images))[:, None], self.labels[images]), weights)
        return votes.argmax(axis=1)


def _lengths(norms: Values) -> Values:
    """Euclidean lengths; 1 for an empty image, which is at distance 1 of everything, as in scikit-learn."""
    return np.sqrt(np.where(norms == 0, 1, norms).astype(np.float64))


class AsItComes(stock_knn.NearestNeighbors):
    """scikit-learn's own, for what the kernels do not know."""

    libraries = stock_knn.LIBRARIES
    remark = " (as stock)"
    as_stock = True


def _serves(spec: KNN, run: Run) -> bool:
    known = spec.metric in OTHERS or spec.metric in POWERS
    as_bytes = not spec.preprocess  # a scaler makes fractions of them
    return known and as_bytes and spec.n_neighbors <= len(run.dataset.train_labels) and exact_shift() is not None


def build(spec: KNN, run: Run) -> Estimator:
    if _serves(spec, run):
        return FastNearestNeighbors(spec, run)
    return AsItComes(stock_knn.estimator_of(spec, run), run)


@cache
def warm() -> None:
    """Compile the kernels, or find them compiled, by a search among a handful of images."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 16), dtype=np.uint8)
    for spec in (KNN(), KNN(p=3), KNN(p=1.5), KNN(metric="cosine"), KNN(metric="chebyshev")):
        search = FastNearestNeighbors(spec, None)  # type: ignore[arg-type]
        search.fit(pixels, np.zeros(len(pixels), np.int64))
        search.kneighbors(pixels)
