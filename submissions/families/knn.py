"""Registers K nearest neighbours."""

from __future__ import annotations

from submissions.specs.families import Family, register
from submissions.specs.knn import KNN
from submissions.specs.spec import described

register(
    Family(
        name="knn",
        label="K nearest neighbours",
        spec=KNN,
        constructor="KNeighborsClassifier",
        positional=("n_neighbors",),
        only={"metric_params": None},
        builder="workers.engines.sklearn.knn:build",
        help=described(KNN),
        presets={
            "K nearest neighbours, defaults": KNN(),
            "K nearest neighbours, k=4 by distance": KNN(n_neighbors=4, weights="distance"),
            "The feed’s p=4": KNN(leaf_size=40, p=4),
        },
    )
)
