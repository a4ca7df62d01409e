"""K nearest neighbours on the accelerated engine, with the answers of scikit-learn's KNeighborsClassifier.

`algorithm` and `leaf_size` choose how to search, not what is found, so they make no difference to the kernels. Other
metrics, pixels that a step has turned into fractions, and more neighbours than images are left to scikit-learn, with
its fastest algorithm; the engine's version names that algorithm, or says `(as stock)`.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

import numba
import numpy as np
import onnxruntime

from submissions.specs.cost import quickest_search
from submissions.specs.knn import KNN
from workers.datasets.idx import Pixels
from workers.engines.compile_lock import compile_lock
from workers.engines.engine import AS_STOCK
from workers.engines.fast_neighbors import nearest
from workers.engines.fast_neighbors.integer_product import (
    IMAGES_PER_BLOCK,
    IntegerProduct,
    fastest_encoding,
    fastest_lossless_encoding,
)
from workers.engines.run import Estimator, Labels, Run, Values
from workers.engines.sklearn import knn

LIBRARIES = {"numba": numba.__version__, "onnxruntime": onnxruntime.__version__}

THREADED_METRICS = {"correlation"}  # brute force uses `n_jobs` threads for these, and all cores for the others
QUERIES_PER_BLOCK = 128  # their distances to all training images are 30 MB
MANY_NEIGHBORS = 100  # from here on comparing every candidate takes longer than multiplying whole queries
CLASSES = 10


class FastNearestNeighbors(Estimator):
    """Compares bytes, and answers as `KNeighborsClassifier` does for the same pixels as float64."""

    def __init__(self, spec: KNN, run: Run) -> None:
        self.spec, self.run = spec, run
        power = 2 if spec.metric == "sqeuclidean" else spec.power
        self.power = power and float(power)  # always a float, as kernels are compiled for each type

    def prepare(self, images: Pixels) -> Values:
        """(n_samples, height, width) uint8 as (n_samples, n_pixels) uint8."""
        return np.ascontiguousarray(images.reshape(len(images), -1))

    def fit(self, images: Values, labels: Labels) -> None:
        """Keep `images`, (n_samples, n_pixels) uint8, and `labels`, (n_samples,), and pack the images for products."""
        self.images, self.labels = images, labels.astype(np.int64)
        self.norms = _squared_norms(images)
        self.inked = np.count_nonzero(images, axis=1)
        lossless = self.spec.metric == "cosine" or self.spec.n_neighbors > MANY_NEIGHBORS
        encoding = fastest_lossless_encoding() if lossless else fastest_encoding()
        assert encoding is not None, "This processor's integer products are not exact."
        self.products = IntegerProduct(images, encoding)

    def predict(self, images: Values) -> Labels:
        """The predicted digits, (n_samples,) int64."""
        starts = range(0, len(images), QUERIES_PER_BLOCK)
        done, lock = 0, Lock()

        def answer(start: int) -> Labels:
            nonlocal done
            answers = self._vote(*self.kneighbors(images[start : start + QUERIES_PER_BLOCK]))
            with lock:
                done += 1
                self.run.progress("predict", done / len(starts))
            return answers

        with ThreadPoolExecutor(self.run.threads) as threads:
            return np.concatenate(list(threads.map(answer, starts)))

    def kneighbors(self, queries: Values) -> tuple[Values, Values]:
        """Distances, float64, and indices of the nearest training images, int64: (n_queries, n_neighbors) each.

        The nearest come first; of images at the same distance, the earlier one in the training set.
        """
        queries = queries.view()
        queries.flags.writeable = False  # as a data set's arrays are: for writable ones numba would compile once more
        shape = (len(queries), self.spec.n_neighbors)
        distances, images = np.full(shape, np.inf), np.full(shape, nearest.NO_IMAGE)
        if self.spec.metric == "cosine":
            self._search_by_cosine(queries, distances, images)
        elif self.power is None:
            nearest.push_chebyshev(queries, self.images, distances, images)
        else:
            self._search_by_power(queries, self.power, distances, images)
        nearest.sort_heaps(distances, images)
        return distances, images

    def _search_by_power(self, queries: Values, p: float, distances: Values, images: Values) -> None:
        """Fill the heaps by a Minkowski metric: by squared distance first, which for p = 2 is all."""
        truncated, factor = self.products.truncate(queries), 2 << self.products.encoding.dropped_bits
        # A dropped bit changes a pixel by 1.
        query_errors = np.sqrt((queries - truncated).sum(axis=1, dtype=np.float64))
        query_terms = _squared_norms(truncated) - 2 * self.products.zero_point_correction(queries)
        squares = np.empty((len(queries), 0 if p == 2 else len(self.images)), np.int32)
        for start, products in self.products.blocks(queries):
            norms = self.norms[start : start + IMAGES_PER_BLOCK]
            if p == 2:
                nearest.push_euclidean(
                    queries, self.images, products, norms, query_terms, factor, query_errors, start, distances, images
                )
            else:
                nearest.squares_from_products(products, norms, query_terms, factor, start, squares)
                nearest.push_squares(squares, start, start + len(norms), distances, images)
        if p != 2:
            # `math.pow` is C's, which scikit-learn calls: the same to the last bit.
            powers = np.array([math.pow(difference, p) for difference in range(256)])
            whole_power = int(p) if p == int(p) and p <= nearest.MAX_EXACT_POWER else 0
            nearest.rerank_by_minkowski(
                queries, self.images, squares, query_errors, self.inked, powers, p, whole_power, distances, images
            )
        if self.spec.metric != "sqeuclidean":
            distances **= 1 / p

    def _search_by_cosine(self, queries: Values, distances: Values, images: Values) -> None:
        lengths, query_lengths = _lengths(self.norms), _lengths(_squared_norms(queries))
        correction = self.products.zero_point_correction(queries)[:, None]
        for start, products in self.products.blocks(queries):
            of_block = lengths[start : start + IMAGES_PER_BLOCK]
            nearest.push_cosine(products + correction, of_block, query_lengths, start, distances, images)

    def _vote(self, distances: Values, images: Values) -> Labels:
        """The labels with the most votes, (n_queries,) int64, each vote weighted as the spec says."""
        weights = np.ones_like(distances)
        if self.spec.weights == "distance":
            with np.errstate(divide="ignore"):
                weights = 1 / distances
            same = np.isinf(weights)  # a training image that equals the query outvotes all others
            weights = np.where(same.any(axis=1, keepdims=True), same, weights)
        votes = np.zeros((len(images), CLASSES))
        np.add.at(votes, (np.arange(len(images))[:, None], self.labels[images]), weights)
        return votes.argmax(axis=1)


def _squared_norms(images: Values) -> Values:
    """‖x‖² of each row of (n_samples, n_pixels) uint8: (n_samples,) int32."""
    total: Values = np.einsum("ij,ij->i", images, images, dtype=np.int32)
    return total


def _lengths(squared_norms: Values) -> Values:
    """Euclidean lengths, (n_samples,) float64; 1 for a black image, which puts it at cosine distance 1 of every other.

    scikit-learn defines it so too (`sklearn.preprocessing.normalize`).
    """
    return np.sqrt(np.where(squared_norms == 0, 1, squared_norms).astype(np.float64))


class FastestSklearnNeighbors(knn.SklearnNeighbors):
    """scikit-learn's own search, with its fastest algorithm and on every thread that it can use."""

    libraries = knn.LIBRARIES

    def __init__(self, spec: KNN, run: Run) -> None:
        super().__init__(knn.classifier(spec, run), run)
        self.spec = spec
        self.as_stock, self.remark = True, AS_STOCK

    def fit(self, images: Values, labels: Labels) -> None:
        self._choose_algorithm(images.shape[1])
        super().fit(images, labels)

    def _choose_algorithm(self, n_features: int) -> None:
        """Set algorithm and threads, which depend on how many features the preprocessing steps have left."""
        stock, quickest = self.spec.search(n_features), quickest_search(self.spec, n_features)
        if quickest != stock:
            self.estimator.set_params(algorithm=quickest, leaf_size=KNN().leaf_size)
        threaded = "tree" in quickest or self.spec.metric in THREADED_METRICS
        threads = self.run.threads if threaded else self.estimator.n_jobs
        self.as_stock = quickest == stock and (threads or 1) == (self.estimator.n_jobs or 1)
        self.estimator.set_params(n_jobs=threads)
        self.remark = AS_STOCK if self.as_stock else f" ({quickest}, {self.run.threads} threads)"


def build(spec: KNN, run: Run) -> Estimator:
    """The kernels' estimator where they support the spec and this processor; otherwise scikit-learn's."""
    enough_images = spec.n_neighbors <= len(run.dataset.train_labels)
    supported = spec.compares_bytes and enough_images and fastest_lossless_encoding() is not None
    return FastNearestNeighbors(spec, run) if supported else FastestSklearnNeighbors(spec, run)


@cache
def warm() -> None:
    """Compile every kernel, or load it from numba's cache, by searching a handful of read-only images."""
    if fastest_lossless_encoding() is None:
        return
    pixels = np.random.default_rng(0).integers(0, 256, (64, 16), dtype=np.uint8)
    pixels.flags.writeable = False  # as a data set's arrays are: for writable ones numba compiles other kernels
    with compile_lock(__name__):
        for spec in (KNN(), KNN(p=3), KNN(p=1.5), KNN(metric="cosine"), KNN(metric="chebyshev")):
            search = FastNearestNeighbors(spec, None)  # type: ignore[arg-type]
            search.fit(pixels, np.zeros(len(pixels), np.int64))
            search.kneighbors(pixels)
