"""Insights: the pictures of a trained model that come with its result."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from submissions.images.split import private_indexes
from submissions.models import Insight, State
from submissions.queue import leases
from submissions.results.insights import MAX_BYTES, ImportanceMap, LayerPictures, parse_insight
from submissions.specs.validation import validate
from tests.cast import claim_one, reload, result_of
from tests.trainers import train
from workers.datasets import store
from workers.trainer import insight

NET = {
    "family": "cnn",
    "layers": [
        {"kind": "Input", "shape": [8, 8, 1]},
        {"kind": "ZeroPadding2D", "padding": 1},
        {"kind": "Conv2D", "filters": 6, "kernel_size": 3, "activation": "relu"},
        {"kind": "Flatten"},
        {"kind": "Dense", "units": 10, "activation": "softmax"},
    ],
    "epochs": 1,
}
DENSE = {
    "family": "cnn",
    "layers": [
        {"kind": "Input", "shape": [64]},
        {"kind": "Dense", "units": 12, "activation": "relu"},
        {"kind": "Dense", "units": 10, "activation": "softmax"},
    ],
    "epochs": 1,
}


@pytest.fixture
def digits(digits_home, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    return store.load("digits")


def answered(digits, spec: dict[str, Any], **more: Any) -> insight.Tested:
    """The test of a model that predicts 3 for every digit."""
    given = {"images": digits.test_images.reshape(-1, 64), "predicted": np.full(360, 3), **more}
    return insight.Tested(spec=validate(spec, dataset="digits"), dataset=digits, **given)


def test_an_insight_that_fails_is_empty_and_harms_nothing(digits, capsys):
    broken = SimpleNamespace(kneighbors=lambda images: 1 / 0)

    assert insight.insight_into(broken, answered(digits, {"family": "knn"})) == {}
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_an_insight_that_is_too_large_or_not_json_is_left_out(digits):
    endless = SimpleNamespace(estimator=SimpleNamespace(feature_importances_=np.full(64, np.nan)))

    assert insight.insight_into(endless, answered(digits, {"family": "forest"})) == {}


def test_a_slow_search_shows_as_much_as_there_is_time_for(digits, monkeypatch):
    monkeypatch.setattr(insight, "SECONDS", 0.4)

    def kneighbors(images):
        time.sleep(0.05 * len(images))
        return np.zeros((len(images), 5)), np.zeros((len(images), 5), int)

    began = time.monotonic()
    tree = SimpleNamespace(estimator=SimpleNamespace(kneighbors=kneighbors))
    seen = insight.insight_into(tree, answered(digits, {"family": "knn"}))

    assert 1 <= len(seen["wrong"]) <= 7
    assert time.monotonic() - began < 5 * 0.4


def test_no_private_image_is_shown(digits):
    private = private_indexes(360, 0.9, 1)
    search = SimpleNamespace(kneighbors=lambda images: (np.zeros((len(images), 5)), np.zeros((len(images), 5), int)))

    seen = insight.insight_into(search, answered(digits, {"family": "knn"}, private=private))

    assert len(seen["wrong"]) == 20
    assert not private & {row["index"] for row in seen["wrong"]}


def test_an_insight_is_kept_with_the_score(submission, worker):
    leases.record_score(claim_one(worker), result_of(350) | {"insight": {"kind": "importances"}})

    assert Insight.objects.get(submission=submission).data == {"kind": "importances"}


def test_a_score_without_an_insight_is_a_score(submission, worker):
    leases.record_score(claim_one(worker), result_of(350) | {"insight": {}})

    assert reload(submission).state == State.SCORED
    assert not Insight.objects.exists()


@pytest.mark.trains
@pytest.mark.parametrize("engine", ["stock", "accelerated"])
def test_misread_digits_come_with_their_nearest_neighbours(trainer, digits, engine):
    result = train(trainer, {"family": "knn", "n_neighbors": 3}, engine=engine)

    rows = result["insight"]["wrong"]
    assert {row["index"] for row in rows} <= {index for index, _given in result["errors"]}
    for row in rows:
        image = digits.test_images[row["index"]].astype(float).ravel()
        apart = np.sqrt(((digits.train_images.reshape(-1, 64) - image) ** 2).sum(axis=1))
        found = [neighbour["distance"] for neighbour in row["neighbours"]]
        assert found == pytest.approx(sorted(apart)[:3], abs=1e-3)
        assert [neighbour["label"] for neighbour in row["neighbours"]] == [
            digits.train_labels[neighbour["index"]] for neighbour in row["neighbours"]
        ]


@pytest.mark.trains
@pytest.mark.parametrize("engine", ["stock", "accelerated"])
def test_a_forest_gives_the_importance_of_each_pixel(trainer, engine):
    seen = train(trainer, {"family": "forest", "n_estimators": 10}, engine=engine)["insight"]

    assert sum(seen["values"]) == pytest.approx(1, abs=1e-2)
    shown = parse_insight(seen)
    assert isinstance(shown, ImportanceMap)
    assert (shown.pixels, shown.picture.width) == (64, 8)
    assert shown.unused > 0  # the corners are always empty


@pytest.mark.trains
def test_features_other_than_pixels_make_no_picture(trainer):
    spec = {"family": "forest", "n_estimators": 5, "preprocess": [{"kind": "PCA", "n_components": 64}]}

    assert train(trainer, spec)["insight"] == {}


@pytest.mark.trains
@pytest.mark.parametrize("engine", ["stock", "accelerated"])
def test_a_network_gives_kernels_and_maps_of_ten_digits(trainer, digits, engine):
    seen = train(trainer, NET, engine=engine)["insight"]

    shown = parse_insight(seen)
    assert isinstance(shown, LayerPictures)
    assert len(shown.kernels) == shown.count == 6
    assert shown.side == (3, 3)
    assert [digits.test_labels[index] for index, _strip in shown.maps] == list(range(10))
    assert seen["maps"]["shape"] == [10, 6, 8, 8]
    assert len(json.dumps(seen)) <= MAX_BYTES


@pytest.mark.trains
def test_a_dense_network_gives_the_weights_of_its_first_units(trainer):
    shown = parse_insight(train(trainer, DENSE)["insight"])

    assert isinstance(shown, LayerPictures)
    assert (shown.count, shown.side, shown.maps) == (12, (8, 8), [])
