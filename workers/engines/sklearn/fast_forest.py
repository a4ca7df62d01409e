"""Random forests by scikit-learn on every core that the worker grants, with the answers of a single core.

Progress: on several threads, joblib's threads report each tree; growing the forest in steps would make each step wait
for its slowest thread. On one thread the forest grows a few trees at a time: `warm_start` draws the same seed for each
tree as one whole `fit` would.

Prediction: each thread asks all trees, in order, about its share of the images. If the threads shared the trees, they
would add up the votes in whatever order they finish.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from joblib import parallel_config
from joblib.parallel import ThreadingBackend
from sklearn.ensemble import RandomForestClassifier

from submissions.specs.forest import Forest
from workers.datasets.idx import Pixels
from workers.engines.run import Labels, Run, Values
from workers.engines.sklearn import forest
from workers.engines.sklearn.estimator import SklearnEstimator

LIBRARIES = forest.LIBRARIES
PROGRESS_STEPS = 10  # of a forest that grows on one thread


class CountingBackend(ThreadingBackend):
    """joblib's threads; calls `on_progress` with the number of finished tasks, from whichever thread finished one."""

    def __init__(self, on_progress: Callable[[int], None]) -> None:
        super().__init__()
        self.done, self.on_progress = 0, on_progress

    def batch_completed(self, batch_size: int, duration: float) -> None:
        self.done += batch_size
        self.on_progress(self.done)


class FastForest(SklearnEstimator):
    """A RandomForestClassifier that grows and predicts on all threads of the run, whatever `n_jobs` is."""

    def __init__(self, spec: Forest, run: Run) -> None:
        self.spec, self.run, self.trees = spec, run, spec.n_estimators
        parameters = spec.arguments()
        parameters["random_state"] = run.seed_for(parameters["random_state"])
        super().__init__(RandomForestClassifier(**{**parameters, "n_jobs": run.threads}))
        self.stock_threads = run.threads_for(spec.n_jobs) or 1

    def prepare(self, images: Pixels) -> Values:
        """(n_samples, height, width) uint8 as (n_samples, n_features): uint8, or float64 for preprocessing steps.

        `fit` and `predict` make float32 of either, as scikit-learn's trees do.
        """
        return super().prepare(images) if self.spec.preprocess else images.reshape(len(images), -1)

    def _as_float32(self, images: Values) -> Values:
        """The images as the trees take them: (n_samples, n_features) float32.

        All threads copy: most of the time goes into memory that is touched for the first time.
        """
        floats = np.empty(images.shape, np.float32)
        shares = zip(np.array_split(floats, self.run.threads), np.array_split(images, self.run.threads), strict=True)
        with ThreadPoolExecutor(self.run.threads) as threads:
            list(threads.map(lambda share: np.copyto(*share), shares))
        return floats

    def fit(self, images: Values, labels: Labels) -> None:
        """Grow the forest on (n_samples, n_features) images and (n_samples,) labels."""
        tree_counts, floats = self._tree_counts(), self._as_float32(images)
        with parallel_config(CountingBackend(self._report_trees)):
            for trees in tree_counts:
                self.estimator.set_params(n_estimators=trees, warm_start=len(tree_counts) > 1)
                self.estimator.fit(floats, labels)
                if self.run.threads == 1:  # joblib starts no threads then, so its backend reports nothing
                    self._report_trees(trees)

    def _report_trees(self, trees: int) -> None:
        self.run.progress("fit", trees / self.trees)

    def _tree_counts(self) -> list[int]:
        """The number of trees after each call of `fit`.

        One call where the threads report each tree, or where scikit-learn would look at all trees after each call.
        """
        if self.run.threads > 1 or self.estimator.oob_score or self.estimator.class_weight is not None:
            return [self.trees]
        step = -(-self.trees // PROGRESS_STEPS)
        return [*range(step, self.trees, step), self.trees]

    def predict(self, images: Values) -> Labels:
        """The predicted labels, (n_samples,), of (n_samples, n_features) images."""
        self.estimator.set_params(n_jobs=1)
        shares = np.array_split(images, self.run.threads)
        with ThreadPoolExecutor(self.run.threads) as threads:
            return np.concatenate(list(threads.map(self.estimator.predict, shares)))


build = FastForest
