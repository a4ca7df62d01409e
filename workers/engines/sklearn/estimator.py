"""scikit-learn's estimators as the trainer calls them."""

from __future__ import annotations

from typing import Any

import numpy as np

from workers.datasets.idx import Pixels
from workers.engines.run import Estimator, Labels, Values


class SklearnEstimator(Estimator):
    """A scikit-learn classifier on pixels as MNIST stores them: (n_samples, n_features) float64, 0–255."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def prepare(self, images: Pixels) -> Values:
        """(n_samples, height, width) uint8 as (n_samples, n_features) float64, not scaled."""
        return images.reshape(len(images), -1).astype(np.float64)

    def fit(self, images: Values, labels: Labels) -> None:
        """Train on (n_samples, n_features) images and (n_samples,) labels."""
        self.estimator.fit(images, labels)

    def predict(self, images: Values) -> Labels:
        """The predicted labels, (n_samples,), of (n_samples, n_features) images."""
        predicted: Labels = self.estimator.predict(images)
        return predicted
