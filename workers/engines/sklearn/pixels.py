"""scikit-learn's estimators on pixels as MNIST stores them: float64, 0–255, one row an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from workers.datasets.idx import Pixels
from workers.engines.run import Labels, Values


class PlainPixels:
    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def prepare(self, images: Pixels) -> Values:
        return images.reshape(len(images), -1).astype(np.float64)

    def fit(self, images: Values, labels: Labels) -> None:
        self.estimator.fit(images, labels)

    def predict(self, images: Values) -> Labels:
        predicted: Labels = self.estimator.predict(images)
        return predicted
