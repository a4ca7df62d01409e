"""On all of MNIST the scores are exactly the known ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.trainers import train
from workers import datasets
from workers.trainer_process import TrainerProcess

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def mnist_trainer(mnist_home: Path) -> Iterator[TrainerProcess]:
    trainer = TrainerProcess()
    trainer.start(threads=2, env={"QUEST_DATA_HOME": str(mnist_home)})
    yield trainer
    trainer.kill()


def on_mnist(trainer, spec):
    return train(trainer, spec, within=800, dataset="mnist")


@pytest.mark.parametrize(
    ("parameters", "correct"),
    [({"n_neighbors": 4, "weights": "distance"}, 9_714), ({"n_neighbors": 3}, 9_705)],
)
def test_nearest_neighbours(mnist_trainer, parameters, correct):
    assert on_mnist(mnist_trainer, {"family": "knn", **parameters})["public"] == {"correct": correct, "total": 10_000}


def test_a_forest_gives_what_scikit_learn_gives_when_called_directly(mnist_trainer, mnist_home, monkeypatch):
    from sklearn.ensemble import RandomForestClassifier

    result = on_mnist(mnist_trainer, {"family": "forest", "random_state": 0, "n_jobs": -1})

    monkeypatch.setenv("QUEST_DATA_HOME", str(mnist_home))
    mnist = datasets.load("mnist")
    forest = RandomForestClassifier(random_state=0, n_jobs=2)
    forest.fit(mnist.train_images.reshape(60_000, -1).astype(float), mnist.train_labels)
    predicted = forest.predict(mnist.test_images.reshape(10_000, -1).astype(float))
    wrong = np.flatnonzero(predicted != mnist.test_labels)
    assert result["errors"] == [[int(index), int(predicted[index])] for index in wrong]


def test_predicting_in_parts_changes_no_answer(mnist_trainer, mnist_home, monkeypatch):
    from sklearn.neighbors import KNeighborsClassifier

    result = on_mnist(mnist_trainer, {"family": "knn", "n_neighbors": 2})

    monkeypatch.setenv("QUEST_DATA_HOME", str(mnist_home))
    mnist = datasets.load("mnist")
    estimator = KNeighborsClassifier(2).fit(mnist.train_images.reshape(60_000, -1).astype(float), mnist.train_labels)
    predicted = estimator.predict(mnist.test_images.reshape(10_000, -1).astype(float))
    wrong = np.flatnonzero(predicted != mnist.test_labels)
    assert result["errors"] == [[int(index), int(predicted[index])] for index in wrong]


def test_the_lenet_5_like_net_gets_more_than_98_percent_in_five_epochs(mnist_trainer):
    def convolution(filters):
        return {"kind": "Conv2D", "filters": filters, "kernel_size": 3, "activation": "relu"}

    def dense(units, activation="relu"):
        return {"kind": "Dense", "units": units, "activation": activation}

    pooling = {"kind": "AveragePooling2D"}
    hidden = [convolution(6), pooling, convolution(16), pooling, {"kind": "Flatten"}, dense(120), dense(84)]
    layers = [{"kind": "Input", "shape": [32, 32, 1]}, *hidden, dense(10, "softmax")]

    result = on_mnist(mnist_trainer, {"family": "cnn", "layers": layers, "epochs": 5, "seed": 1})

    assert result["public"]["correct"] > 9_800
    assert result["parameters"] == 81_194
