"""K nearest neighbours by scikit-learn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import sklearn
from sklearn.neighbors import KNeighborsClassifier

from submissions.specs.spec import Spec
from workers.engines.run import Labels, Run, Values
from workers.engines.sklearn.pixels import PlainPixels

LIBRARIES = {"scikit-learn": sklearn.__version__}

# scikit-learn's brute-force search takes queries in blocks of 256, and threads share out the queries, not the training
# images, above four blocks a thread. Parts that keep to both give bit for bit what one call for all would give.
BLOCK = 256
BLOCKS_PER_THREAD = 4
IN_ONE = {"cosine", "correlation"}  # found by a product of matrices, whose rounding hangs on their shape


class NearestNeighbors(PlainPixels):
    """Predicts in parts, to say how far it is."""

    def __init__(self, estimator: KNeighborsClassifier, run: Run) -> None:
        super().__init__(estimator)
        self.run = run

    def predict(self, images: Values) -> Labels:
        parts = self._parts(len(images))
        predicted = []
        for start, stop in pairwise(parts):
            predicted.append(super().predict(images[start:stop]))
            self.run.progress("predict", stop / len(images))
        return np.concatenate(predicted)

    def _parts(self, total: int) -> list[int]:
        """Where the parts begin and end; the last one takes the rest, so that none is too small."""
        if self.estimator.metric in IN_ONE:
            return [0, total]
        size = BLOCK * (BLOCKS_PER_THREAD * self.run.threads + 1)
        return [*range(0, max(total - size, 0) + 1, size), total]


def estimator_of(spec: Spec, run: Run) -> KNeighborsClassifier:
    parameters = spec.arguments()
    parameters["n_jobs"] = run.threads_for(parameters["n_jobs"])
    return KNeighborsClassifier(**parameters)


def build(spec: Spec, run: Run) -> NearestNeighbors:
    return NearestNeighbors(estimator_of(spec, run), run)
