"""Preprocessing steps: the same predictions as scikit-learn's own pipeline, timed apart from the training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from submissions.specs.validation import validate
from tests.trainers import train

pytestmark = pytest.mark.trains

SCALE, SQUEEZE = {"kind": "StandardScaler"}, {"kind": "MinMaxScaler", "feature_range": [-1, 1]}
KNN = {"family": "knn", "n_neighbors": 4}
FOREST = {"family": "forest", "n_estimators": 20, "random_state": 7}


def pca(components: float, **more: Any) -> dict[str, Any]:
    return {"kind": "PCA", "n_components": components, "random_state": 3, **more}


def pipeline_predictions(spec: dict[str, Any]) -> list[int]:
    """The predictions of scikit-learn's own Pipeline for the test images of digits."""
    from sklearn import decomposition, preprocessing
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    from workers.datasets import store

    known = validate(spec, dataset="digits")
    classes = {**vars(preprocessing), **vars(decomposition)}
    steps = [classes[step.kind](**step.arguments()) for step in known.preprocess]  # type: ignore[attr-defined]
    last = {"knn": KNeighborsClassifier, "forest": RandomForestClassifier}[known.family](**known.arguments())
    data = store.load("digits")
    flat = [images.reshape(len(images), -1).astype(np.float64) for images in (data.train_images, data.test_images)]
    model = make_pipeline(*steps, last).fit(flat[0], np.array(data.train_labels))
    return [int(digit) for digit in model.predict(flat[1])]


@pytest.mark.parametrize(
    "spec",
    [
        {**KNN, "preprocess": [SCALE]},
        {**KNN, "preprocess": [SQUEEZE, pca(20, whiten=True)]},
        {**KNN, "preprocess": [{"kind": "Normalizer", "norm": "l1"}], "metric": "manhattan"},
        {**KNN, "preprocess": [SCALE, pca(0.9)], "weights": "distance"},
        {**FOREST, "preprocess": [pca(15, svd_solver="randomized")], "max_features": 15},
    ],
)
def test_steps_predict_the_same_as_a_scikit_learn_pipeline(trainer, digits_home, monkeypatch, spec):
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    from workers.datasets import store

    result = train(trainer, spec)

    predicted, truth = np.array(pipeline_predictions(spec)), np.array(store.load("digits").test_labels)
    wrong = np.flatnonzero(predicted != truth)
    assert result["errors"] == [[int(index), int(predicted[index])] for index in wrong]


def test_preprocessing_time_is_reported_separately(trainer):
    timing: dict[str, Any] = {**train(trainer, {**KNN, "preprocess": [SCALE, pca(20)]})["timing"]}

    assert timing["preprocess_s"] > 0
    parts = ("startup_s", "data_load_s", "preprocess_s", "train_s", "predict_s")
    assert sum(timing[part] for part in parts) <= timing["total_s"]
    assert train(trainer, KNN)["timing"]["preprocess_s"] is None
