"""On all of MNIST, both engines give exactly the scores of scikit-learn and the recorded scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from submissions.specs.knn import KNN
from tests.trainers import train
from workers.datasets import store
from workers.engines.run import Run
from workers.processes.trainer_process import TrainerProcess

ENGINES = ("stock", "accelerated")
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def mnist_trainer(mnist_home: Path) -> Iterator[TrainerProcess]:
    trainer = TrainerProcess()
    trainer.start(threads=2, env={"QUEST_DATA_HOME": str(mnist_home)})
    yield trainer
    trainer.kill()


@pytest.fixture(scope="module")
def mnist(mnist_home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUEST_DATA_HOME", str(mnist_home))
        return store.load("mnist")


def on_mnist(trainer, spec, engine="stock"):
    return train(trainer, spec, within=800, dataset="mnist", engine=engine)


def rows(images):
    return images.reshape(len(images), -1).astype(float)


@pytest.mark.parametrize(
    ("parameters", "correct"),
    [({"n_neighbors": 4, "weights": "distance"}, 9_714), ({"n_neighbors": 3}, 9_705)],
)
def test_both_engines_give_the_recorded_scores_of_nearest_neighbours(mnist_trainer, parameters, correct):
    stock, fast = (on_mnist(mnist_trainer, {"family": "knn", **parameters}, engine) for engine in ENGINES)

    assert stock["public"] == {"correct": correct, "total": 10_000}
    assert fast["errors"] == stock["errors"]
    assert "as stock" not in fast["engine_version"]


@pytest.fixture(scope="module")
def errors_of_a_forest(mnist):
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(random_state=0, n_jobs=2).fit(rows(mnist.train_images), mnist.train_labels)
    predicted = forest.predict(rows(mnist.test_images))
    wrong = np.flatnonzero(predicted != mnist.test_labels)
    return [[int(index), int(predicted[index])] for index in wrong]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_forest_gives_what_scikit_learn_gives_when_called_directly(mnist_trainer, errors_of_a_forest, engine):
    result = on_mnist(mnist_trainer, {"family": "forest", "random_state": 0, "n_jobs": -1}, engine)

    assert result["errors"] == errors_of_a_forest


# Queries are spread over the test images. Where scikit-learn computes powers, a query takes it half a second of CPU.
# The products with 60,000 images come in fifteen blocks.
@pytest.mark.parametrize(
    ("metric", "p", "count"),
    [
        ("minkowski", 2, 1_000), ("minkowski", 1, 200), ("minkowski", 1.5, 20), ("minkowski", 3, 20),
        ("minkowski", 4, 20), ("minkowski", 6, 20), ("cosine", 2, 1_000),
    ],
)  # fmt: skip
def test_among_all_training_images_the_neighbours_are_scikit_learns(mnist, metric, p, count):
    from sklearn.neighbors import KNeighborsClassifier

    from workers.engines.fast_neighbors import knn

    indices = np.linspace(0, 10_000, count, endpoint=False, dtype=int)
    labels, k = np.array(mnist.train_labels), 5
    run = Run(seed=1, threads=2, dataset=mnist)
    direct = KNeighborsClassifier(p=p, metric=metric, algorithm="brute").fit(rows(mnist.train_images), labels)
    expected, _ = direct.kneighbors(rows(mnist.test_images[indices]), k + 1)
    for weights in ("uniform", "distance"):
        fast = knn.build(KNN(n_neighbors=k, weights=weights, metric=metric, p=p), run)
        assert isinstance(fast, knn.FastNearestNeighbors)
        fast.fit(fast.prepare(mnist.train_images), labels)
        queries = fast.prepare(mnist.test_images[indices])
        distances, _ = fast.kneighbors(queries[:500])
        assert distances == pytest.approx(expected[:500, :k], rel=1e-9, abs=1e-12)
        answers = direct.set_params(n_neighbors=k, weights=weights).predict(rows(mnist.test_images[indices]))
        tied = np.isclose(expected[:, k - 1], expected[:, k], rtol=1e-12, atol=0)
        assert tied.mean() < 0.02
        assert (fast.predict(queries) == answers)[~tied].all()


def test_among_all_training_images_equal_maxima_are_ordered_as_in_the_training_set(mnist):
    from workers.engines.fast_neighbors import knn

    indices, k = np.linspace(0, 10_000, 25, endpoint=False, dtype=int), 20
    fast = knn.build(KNN(n_neighbors=k, metric="chebyshev"), Run(seed=1, threads=2, dataset=mnist))
    assert isinstance(fast, knn.FastNearestNeighbors)
    fast.fit(fast.prepare(mnist.train_images), np.array(mnist.train_labels))
    distances, images = fast.kneighbors(fast.prepare(mnist.test_images[indices]))

    training = mnist.train_images.reshape(60_000, -1)
    for place, query in enumerate(mnist.test_images[indices].reshape(len(indices), -1)):
        maxima = (np.maximum(training, query) - np.minimum(training, query)).max(axis=1)
        nearest = np.argsort(maxima, kind="stable")[:k]
        assert images[place].tolist() == nearest.tolist()
        assert distances[place].tolist() == maxima[nearest].tolist()


def test_predicting_in_parts_changes_no_answer(mnist_trainer, mnist_home, monkeypatch):
    from sklearn.neighbors import KNeighborsClassifier

    result = on_mnist(mnist_trainer, {"family": "knn", "n_neighbors": 2})

    monkeypatch.setenv("QUEST_DATA_HOME", str(mnist_home))
    mnist = store.load("mnist")
    estimator = KNeighborsClassifier(2).fit(mnist.train_images.reshape(60_000, -1).astype(float), mnist.train_labels)
    predicted = estimator.predict(mnist.test_images.reshape(10_000, -1).astype(float))
    wrong = np.flatnonzero(predicted != mnist.test_labels)
    assert result["errors"] == [[int(index), int(predicted[index])] for index in wrong]


@pytest.mark.parametrize("engine", ENGINES)
def test_lenet_5_like_scores_more_than_98_percent_after_five_epochs(mnist_trainer, engine):
    def convolution(filters):
        return {"kind": "Conv2D", "filters": filters, "kernel_size": 3, "activation": "relu"}

    def dense(units, activation="relu"):
        return {"kind": "Dense", "units": units, "activation": activation}

    pooling = {"kind": "AveragePooling2D"}
    hidden = [convolution(6), pooling, convolution(16), pooling, {"kind": "Flatten"}, dense(120), dense(84)]
    layers = [{"kind": "Input", "shape": [32, 32, 1]}, *hidden, dense(10, "softmax")]

    result = on_mnist(mnist_trainer, {"family": "cnn", "layers": layers, "epochs": 5, "seed": 1}, engine)

    assert result["public"]["correct"] > 9_800
    assert result["parameters"] == 81_194
