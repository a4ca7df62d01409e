"""Random forests by scikit-learn on every core that the worker grants, with the answers of one core.

How far a forest is, joblib's threads tell tree by tree: grown in steps, it would wait for its slowest thread in each.
One thread grows it a few trees at a time: `warm_start` draws each tree's seed as one whole `fit` would.

Each thread asks all trees, in order, about its share of the images: threads that shared out the trees would add up
their votes in whatever order they end.
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
from workers.engines.sklearn.pixels import PlainPixels

LIBRARIES = forest.LIBRARIES
STEPS = 10


class TellingThreads(ThreadingBackend):
    """joblib's threads; `told` hears how many tasks are done, from whichever thread has done one."""

    def __init__(self, told: Callable[[int], None]) -> None:
        super().__init__()
        self.done, self.told = 0, told

    def batch_completed(self, batch_size: int, duration: float) -> None:
        self.done += batch_size
        self.told(self.done)


class FastForest(PlainPixels):
    def __init__(self, spec: Forest, run: Run) -> None:
        self.spec, self.run, self.trees = spec, run, spec.n_estimators
        parameters = spec.arguments()
        parameters["random_state"] = run.seed_for(parameters["random_state"])
        super().__init__(RandomForestClassifier(**{**parameters, "n_jobs": run.threads}))
        self.stock_threads = run.threads_for(spec.n_jobs) or 1

    def prepare(self, images: Pixels) -> Values:
        """Bytes, of which `fit` and `predict` make float32, as scikit-learn's do; float64 for steps before it."""
        return super().prepare(images) if self.spec.preprocess else images.reshape(len(images), -1)

    def _floats(self, images: Values) -> Values:
        """What the trees take, by all threads: most of the time goes into memory that is touched for the first time."""
        laid = np.empty(images.shape, np.float32)
        shares = zip(np.array_split(laid, self.run.threads), np.array_split(images, self.run.threads), strict=True)
        with ThreadPoolExecutor(self.run.threads) as threads:
            list(threads.map(lambda share: np.copyto(*share), shares))
        return laid

    def fit(self, images: Values, labels: Labels) -> None:
        steps, floats = self._steps(), self._floats(images)
        with parallel_config(TellingThreads(self._grown)):
            for trees in steps:
                self.estimator.set_params(n_estimators=trees, warm_start=len(steps) > 1)
                self.estimator.fit(floats, labels)
                if self.run.threads == 1:  # joblib starts no threads then, and nobody has told
                    self._grown(trees)

    def _grown(self, trees: int) -> None:
        self.run.progress("fit", trees / self.trees)

    def _steps(self) -> list[int]:
        """How many trees there are after each step.

        One step where threads tell of each tree, or where scikit-learn would look at all trees after each.
        """
        if self.run.threads > 1 or self.estimator.oob_score or self.estimator.class_weight is not None:
            return [self.trees]
        a_step = -(-self.trees // STEPS)
        return [*range(a_step, self.trees, a_step), self.trees]

    def predict(self, images: Values) -> Labels:
        self.estimator.set_params(n_jobs=1)
        shares = np.array_split(images, self.run.threads)
        with ThreadPoolExecutor(self.run.threads) as threads:
            return np.concatenate(list(threads.map(self.estimator.predict, shares)))


build = FastForest
