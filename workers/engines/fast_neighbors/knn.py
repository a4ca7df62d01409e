"""K nearest neighbours, as scikit-learn defines it, found by integer products and compiled kernels.

`algorithm` and `leaf_size` say how to search, not what to find, so they make no difference here. What the kernels do
not know – another metric, pixels of which a step made fractions, more neighbours than images – scikit-learn finds, by
the quickest way that it has; the version says which, or that it was as stock.
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
from workers.engines.compiling import one_at_a_time
from workers.engines.engine import AS_STOCK
from workers.engines.fast_neighbors import nearest
from workers.engines.fast_neighbors.integer_product import BLOCK, IntegerProduct, exact_way, quickest_way
from workers.engines.run import Estimator, Labels, Run, Values
from workers.engines.sklearn import knn

LIBRARIES = {"numba": numba.__version__, "onnxruntime": onnxruntime.__version__}

BY_THREADS = {"correlation"}  # which brute force shares out as `n_jobs` says; others take all cores anyway
QUERIES = 128  # at a time: their distances to all training images are 30 MB
MANY = 100  # neighbours: for more it takes longer to look at each than to multiply whole queries
CLASSES = 10


class FastNearestNeighbors:
    """Takes bytes; answers as `KNeighborsClassifier` does on the same pixels as float64."""

    def __init__(self, spec: KNN, run: Run) -> None:
        self.spec, self.run = spec, run
        power = 2 if spec.metric == "sqeuclidean" else spec.power
        self.power = power and float(power)  # of one type, for which the kernels are compiled

    def prepare(self, images: Pixels) -> Values:
        return np.ascontiguousarray(images.reshape(len(images), -1))

    def fit(self, images: Values, labels: Labels) -> None:
        self.images, self.labels = images, labels.astype(np.int64)
        self.norms = _norms(images)
        self.inked = np.count_nonzero(images, axis=1)
        whole = self.spec.metric == "cosine" or self.spec.n_neighbors > MANY
        way = exact_way() if whole else quickest_way()
        assert way is not None, "This processor's integer products are not exact."
        self.products = IntegerProduct(images, way)

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
        queries = queries.view()
        queries.flags.writeable = False  # as a data set's are: for others numba would compile kernels of their own
        shape = (len(queries), self.spec.n_neighbors)
        distances, images = np.full(shape, np.inf), np.full(shape, nearest.NOBODY)
        if self.spec.metric == "cosine":
            self._by_cosine(queries, distances, images)
        elif self.power is None:
            nearest.offer_maxima(queries, self.images, distances, images)
        else:
            self._by_power(queries, self.power, distances, images)
        nearest.in_order(distances, images)
        return distances, images

    def _by_power(self, queries: Values, p: float, distances: Values, images: Values) -> None:
        """Nearest by squares first, which for p = 2 is all there is to it."""
        seen, factor = self.products.seen(queries), 2 << self.products.way.bits
        errors = np.sqrt((queries - seen).sum(axis=1, dtype=np.float64))  # a bit that is dropped is a difference of 1
        rests = _norms(seen) - 2 * self.products.missing(queries)
        squares = np.empty((len(queries), 0 if p == 2 else len(self.images)), np.int32)
        for start, products in self.products.blocks(queries):
            norms = self.norms[start : start + BLOCK]
            if p == 2:
                nearest.offer_near(
                    queries, self.images, products, norms, rests, factor, errors, start, distances, images
                )
            else:
                nearest.squares_from_products(products, norms, rests, factor, start, squares)
                nearest.offer_squares(squares, start, start + len(norms), distances, images)
        if p != 2:
            powers = np.array([math.pow(difference, p) for difference in range(256)])  # as C's `pow`, to the last bit
            whole = int(p) if p == int(p) and p <= nearest.LONGEST_EXACT_POWER else 0
            nearest.refine(queries, self.images, squares, errors, self.inked, powers, p, whole, distances, images)
        if self.spec.metric != "sqeuclidean":
            distances **= 1 / p

    def _by_cosine(self, queries: Values, distances: Values, images: Values) -> None:
        lengths, query_lengths = _lengths(self.norms), _lengths(_norms(queries))
        missing = self.products.missing(queries)[:, None]
        for start, products in self.products.blocks(queries):
            of_block = lengths[start : start + BLOCK]
            nearest.offer_cosines(products + missing, of_block, query_lengths, start, distances, images)

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


def _norms(images: Values) -> Values:
    """Squared lengths: int32."""
    total: Values = np.einsum("ij,ij->i", images, images, dtype=np.int32)
    return total


def _lengths(norms: Values) -> Values:
    """Euclidean lengths; 1 for an empty image, which is at distance 1 of everything, as in scikit-learn."""
    return np.sqrt(np.where(norms == 0, 1, norms).astype(np.float64))


class ByScikitLearn(knn.NearestNeighbors):
    """scikit-learn's own by the way that is quickest, on every thread that it can use."""

    libraries = knn.LIBRARIES

    def __init__(self, spec: KNN, run: Run) -> None:
        super().__init__(knn.estimator_of(spec, run), run)
        self.spec = spec
        self.as_stock, self.remark = True, AS_STOCK

    def fit(self, images: Values, labels: Labels) -> None:
        self._hasten(images.shape[1])
        super().fit(images, labels)

    def _hasten(self, features: int) -> None:
        """How the neighbours are sought hangs on how many features the steps have left."""
        stock, quickest = self.spec.search(features), quickest_search(self.spec, features)
        if quickest != stock:
            self.estimator.set_params(algorithm=quickest, leaf_size=KNN().leaf_size)
        shared_out = "tree" in quickest or self.spec.metric in BY_THREADS
        threads = self.run.threads if shared_out else self.estimator.n_jobs
        self.as_stock = quickest == stock and (threads or 1) == (self.estimator.n_jobs or 1)
        self.estimator.set_params(n_jobs=threads)
        self.remark = AS_STOCK if self.as_stock else f" ({quickest}, {self.run.threads} threads)"


def build(spec: KNN, run: Run) -> Estimator:
    enough = spec.n_neighbors <= len(run.dataset.train_labels)
    serves = spec.compares_bytes and enough and exact_way() is not None
    return FastNearestNeighbors(spec, run) if serves else ByScikitLearn(spec, run)


@cache
def warm() -> None:
    """Compile the kernels, or find them compiled, by a search among a handful of images that are only read."""
    if exact_way() is None:
        return
    pixels = np.random.default_rng(0).integers(0, 256, (64, 16), dtype=np.uint8)
    pixels.flags.writeable = False  # as a data set's are, for which numba compiles kernels of their own
    with one_at_a_time(__name__):
        for spec in (KNN(), KNN(p=3), KNN(p=1.5), KNN(metric="cosine"), KNN(metric="chebyshev")):
            search = FastNearestNeighbors(spec, None)  # type: ignore[arg-type]
            search.fit(pixels, np.zeros(len(pixels), np.int64))
            search.kneighbors(pixels)
