"""K nearest neighbours by scikit-learn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import sklearn
from sklearn.neighbors import KNeighborsClassifier

from submissions.specs.spec import Spec
from workers.engines.run import Labels, Run, Values
from workers.engines.sklearn.estimator import SklearnEstimator

LIBRARIES = {"scikit-learn": sklearn.__version__}

# scikit-learn's brute-force search takes queries in blocks of 256. Above four blocks a thread, its threads divide the
# queries among them, otherwise the training images. Parts of at least that size give bit for bit the same answers as
# one call for all queries.
QUERIES_PER_BLOCK = 256
BLOCKS_PER_THREAD = 4
SINGLE_CALL_METRICS = {"cosine", "correlation"}  # by a matrix product, which rounds differently for another shape


class SklearnNeighbors(SklearnEstimator):
    """A KNeighborsClassifier that predicts in parts, to report its progress."""

    def __init__(self, estimator: KNeighborsClassifier, run: Run) -> None:
        super().__init__(estimator)
        self.run = run

    def predict(self, images: Values) -> Labels:
        boundaries = self._part_boundaries(len(images))
        predicted = []
        for start, stop in pairwise(boundaries):
            predicted.append(super().predict(images[start:stop]))
            self.run.progress("predict", stop / len(images))
        return np.concatenate(predicted)

    def _part_boundaries(self, total: int) -> list[int]:
        """The first query of each part, and `total`; the last part takes the remainder, so that none is too small."""
        if self.estimator.metric in SINGLE_CALL_METRICS:
            return [0, total]
        size = QUERIES_PER_BLOCK * (BLOCKS_PER_THREAD * self.run.threads + 1)
        return [*range(0, max(total - size, 0) + 1, size), total]


def classifier(spec: Spec, run: Run) -> KNeighborsClassifier:
    """scikit-learn's classifier for the spec, with at most the threads that the run was granted."""
    parameters = spec.arguments()
    parameters["n_jobs"] = run.threads_for(parameters["n_jobs"])
    return KNeighborsClassifier(**parameters)


def build(spec: Spec, run: Run) -> SklearnNeighbors:
    """The stock engine's estimator."""
    return SklearnNeighbors(classifier(spec, run), run)
