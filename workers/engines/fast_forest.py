"""Random forests by scikit-learn on every core that the worker grants, with the answers of one core.

The forest is grown a few trees at a time, to say how far it is: `warm_start` draws each tree's seed as one whole `fit`
would. Each thread asks all trees, in order, about its share of the images: threads that shared out the trees would add
up their votes in whatever order they end.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from math import ceil

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from submissions.families.forest import Forest
from workers.engines import stock_forest
from workers.engines.plain_pixels import PlainPixels
from workers.idx import Pixels
from workers.runs import Labels, Run, Values

LIBRARIES = stock_forest.LIBRARIES
STEPS = 10


class FastForest(PlainPixels):
    def __init__(self, spec: Forest, run: Run) -> None:
        self.run, self.trees = run, spec.n_estimators
        parameters = spec.arguments()
        parameters["random_state"] = run.seed_for(parameters["random_state"])
        super().__init__(RandomForestClassifier(**{**parameters, "n_jobs": run.threads}))
        self.stock_threads = run.threads_for(spec.n_jobs) or 1
        # scikit-learn's trees take float32, which holds every byte exactly; fractions, made by steps, float64 before.
        self.pixels = np.float64 if spec.preprocess else np.float32

    def prepare(self, images: Pixels) -> Values:
        """By all threads: most of the time goes into memory that is touched for the first time."""
        rows = images.reshape(len(images), -1)
        laid = np.empty(rows.shape, self.pixels)
        shares = zip(np.array_split(laid, self.run.threads), np.array_split(rows, self.run.threads), strict=True)
        with ThreadPoolExecutor(self.run.threads) as threads:
            list(threads.map(lambda share: np.copyto(*share), shares))
        return laid

    def fit(self, images: Values, labels: Labels) -> None:
        steps = self._steps()
        for trees in steps:
            self.estimator.set_params(n_estimators=trees, warm_start=len(steps) > 1)
            self.estimator.fit(images, labels)
            self.run.progress("fit", trees / self.trees)

    def _steps(self) -> list[int]:
        """How many trees there are after each step; one step where scikit-learn would look at all of them each time."""
        if self.estimator.oob_score or self.estimator.class_weight is not None:
            return [self.trees]
        a_round = self.run.threads  # a step that ends within one would leave threads without a tree
        a_step = a_round * ceil(self.trees / (STEPS * a_round))
        return [*range(a_step, self.trees, a_step), self.trees]

    def predict(self, images: Values) -> Labels:
        self.estimator.set_params(n_jobs=1)
        shares = np.array_split(images, self.run.threads)
        with ThreadPoolExecutor(self.run.threads) as threads:
            return np.concatenate(list(threads.map(self.estimator.predict, shares)))


build = FastForest
