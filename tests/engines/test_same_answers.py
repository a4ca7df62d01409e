"""The accelerated engine gives the stock engine's answers: on digits and MNIST, for every metric with a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from submissions.specs.forest import Forest
from submissions.specs.knn import KNN
from submissions.specs.preprocessing import PCA, MinMaxScaler, Normalizer, StandardScaler
from tests.trainers import train
from workers.datasets import store
from workers.engines.fast_neighbors import knn, nearest
from workers.engines.fast_neighbors.integer_product import (
    HALVED,
    IMAGES_PER_BLOCK,
    SIGNED,
    UNSIGNED,
    IntegerProduct,
    fastest_encoding,
    fastest_lossless_encoding,
)
from workers.engines.registry import engine_named
from workers.engines.run import Run
from workers.engines.sklearn import fast_forest
from workers.engines.sklearn import forest as stock_forest
from workers.engines.sklearn import knn as stock_knn
from workers.trainer import preprocessing

pytestmark = pytest.mark.trains

METRICS = [("minkowski", p) for p in (1, 1.5, 2, 3, 4, 6)]
METRICS += [(name, 2) for name in ("euclidean", "manhattan", "chebyshev", "cosine")]
TRAIN, QUERIES, MOST = 1500, 30, 50


@pytest.fixture(scope="module")
def mnist(mnist_home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUEST_DATA_HOME", str(mnist_home))
        return store.load("mnist")


@pytest.fixture(scope="module")
def digits(digits_home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUEST_DATA_HOME", str(digits_home))
        return store.load("digits")


@pytest.fixture
def run(mnist):
    return Run(seed=1, threads=2, dataset=mnist)


def fast_neighbors(spec: KNN, run: Run) -> knn.FastNearestNeighbors:
    """The estimator with our own kernels."""
    estimator = knn.build(spec, run)
    assert isinstance(estimator, knn.FastNearestNeighbors)
    return estimator


def sklearn_neighbors(spec: KNN, run: Run) -> knn.FastestSklearnNeighbors:
    """The accelerated engine's estimator for what it leaves to scikit-learn."""
    estimator = knn.build(spec, run)
    assert isinstance(estimator, knn.FastestSklearnNeighbors)
    return estimator


def validated(**parameters: Any) -> KNN:
    return KNN(**parameters)


def rows(images):
    return images.reshape(len(images), -1)


@pytest.mark.parametrize(("metric", "p"), METRICS)
def test_neighbours_votes_and_distances_are_scikit_learns(mnist, run, metric, p):
    images, labels = mnist.train_images[:TRAIN], np.array(mnist.train_labels[:TRAIN])
    queries = mnist.test_images[:QUERIES]
    direct = KNeighborsClassifier(p=p, metric=metric, algorithm="brute", n_jobs=2)
    direct.fit(rows(images).astype(float), labels)
    expected, _ = direct.kneighbors(rows(queries).astype(float), MOST + 1)

    for k in (1, 4, MOST):
        # Among images at exactly the same distance we take the earlier one, scikit-learn any: see docs/performance.md.
        clear = ~np.isclose(expected[:, k - 1], expected[:, k], rtol=1e-12, atol=0)
        assert clear.sum() > QUERIES / 2 or metric == "chebyshev", "nearly all maximum distances are 255"
        for weights in ("uniform", "distance"):
            fast = fast_neighbors(KNN(n_neighbors=k, weights=weights, metric=metric, p=p), run)
            fast.fit(fast.prepare(images), labels)
            distances, _ = fast.kneighbors(fast.prepare(queries))
            assert distances == pytest.approx(expected[:, :k], rel=1e-9, abs=1e-12)
            direct.set_params(n_neighbors=k, weights=weights)
            answers = direct.predict(rows(queries).astype(float))
            assert (fast.predict(fast.prepare(queries)) == answers)[clear].all()


def test_a_training_image_that_equals_the_query_outvotes_all_others(mnist, run):
    images, labels = mnist.train_images[:200], np.array(mnist.train_labels[:200])
    fast = fast_neighbors(KNN(n_neighbors=200, weights="distance"), run)
    fast.fit(fast.prepare(images), labels)

    assert (fast.predict(fast.prepare(images)) == labels).all()


def test_images_at_the_same_distance_are_ordered_as_in_the_training_set(mnist, run):
    twins = np.repeat(mnist.train_images[:1], 9, axis=0)
    for p in (2, 3, 1.5):
        fast = fast_neighbors(KNN(n_neighbors=4, p=p), run)
        fast.fit(fast.prepare(twins), np.arange(9))
        _, images = fast.kneighbors(fast.prepare(mnist.test_images[:3]))
        assert images.tolist() == [[0, 1, 2, 3]] * 3


@pytest.mark.parametrize("p", [2, 3])
def test_a_thousand_neighbours_are_sorted_by_distance_and_then_by_index(mnist, run, p):
    few = np.tile(rows(mnist.train_images[:700]), (2, 1))  # each twice, so that most distances come twice
    fast = fast_neighbors(KNN(n_neighbors=1000, p=p), run)
    fast.fit(fast.prepare(few), np.arange(len(few)) % 10)

    _, images = fast.kneighbors(fast.prepare(mnist.test_images[:5]))

    for place, query in enumerate(rows(mnist.test_images[:5])):
        exact = (np.abs(few.astype(np.int64) - query) ** p).sum(axis=1)
        assert images[place].tolist() == np.argsort(exact, kind="stable")[:1000].tolist()


# Signed images with whole queries are exact on some processors only; the other two encodings on all supported ones.
ENCODINGS = [
    pytest.param(SIGNED, id="signed"),
    pytest.param(HALVED, id="halved"),
    pytest.param(UNSIGNED, id="unsigned"),
]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_integer_products_are_exact_up_to_the_brightest_pixel(mnist, encoding):
    if not encoding.is_exact():
        assert encoding not in (fastest_lossless_encoding(), fastest_encoding())
        pytest.skip("Not exact on this processor, which therefore does not use it.")
    bright = np.full((5, 784), 255, np.uint8)
    images = np.concatenate([rows(mnist.train_images[:5000]), bright])
    products = IntegerProduct(images, encoding)

    product = np.concatenate([block for _, block in products.blocks(bright)], axis=1)

    truncated, scale = products.truncate(bright).astype(np.int64), 2**encoding.dropped_bits
    exact = truncated @ images.T.astype(np.int64)
    assert (product * scale + products.zero_point_correction(bright)[:, None] == exact).all()
    assert (bright - truncated < scale).all()


def test_this_processor_multiplies_exactly():
    assert fastest_lossless_encoding() is not None
    assert fastest_encoding() is not None


@pytest.mark.parametrize("p", [2, 3, 1.5])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_truncated_queries_lose_no_neighbour(mnist, run, monkeypatch, encoding, p):
    if not encoding.is_exact():
        pytest.skip("Not exact on this processor.")
    monkeypatch.setattr(knn, "fastest_encoding", lambda: encoding)
    few, queries = rows(mnist.train_images[:5000]), rows(mnist.test_images[:40]) | 1  # every pixel loses a bit
    fast = fast_neighbors(KNN(n_neighbors=20, p=p), run)
    fast.fit(few, np.array(mnist.train_labels[:5000]))

    distances, images = fast.kneighbors(queries)

    for place, query in enumerate(queries):
        exact = (np.abs(few.astype(np.float64) - query) ** p).sum(axis=1)
        nearest_first = np.argsort(exact, kind="stable")[:20]
        assert distances[place] == pytest.approx(exact[nearest_first] ** (1 / p), rel=1e-9)
        assert p == 1.5 or images[place].tolist() == nearest_first.tolist()


def test_black_images_are_all_at_the_same_distance(mnist, run):
    fast = fast_neighbors(KNN(n_neighbors=2), run)
    fast.fit(np.zeros((5, 784), np.uint8), np.arange(5))

    distances, images = fast.kneighbors(rows(mnist.test_images[:1]))

    assert images.tolist() == [[0, 1]]
    assert distances[0] == pytest.approx(np.sqrt((rows(mnist.test_images[:1]).astype(float) ** 2).sum()))


def test_a_warm_engine_has_compiled_every_kernel_for_read_only_images(mnist, run):
    knn.warm.cache_clear()
    knn.warm()
    kernels = [kernel for kernel in vars(nearest).values() if hasattr(kernel, "signatures")]
    before = [len(kernel.signatures) for kernel in kernels]
    assert before

    for metric, p in METRICS:
        fast = fast_neighbors(validated(metric=metric, p=p), run)
        fast.fit(
            fast.prepare(mnist.train_images[: IMAGES_PER_BLOCK + 9]),
            np.array(mnist.train_labels[: IMAGES_PER_BLOCK + 9]),
        )
        fast.predict(fast.prepare(mnist.test_images[:9]))
        fast.kneighbors(fast.prepare(mnist.test_images[[3, 5]]))  # a copy, which is writable

    assert not mnist.train_images.flags.writeable
    assert [len(kernel.signatures) for kernel in kernels] == before


@pytest.mark.parametrize("other", [KNN(metric="braycurtis"), KNN(metric="hamming"), KNN(preprocess=(MinMaxScaler(),))])
def test_what_the_kernels_do_not_support_is_left_to_scikit_learn_and_marked_as_stock(mnist, run, other):
    estimator = sklearn_neighbors(other, run)
    estimator.fit(rows(mnist.train_images[:50]).astype(float), np.array(mnist.train_labels[:50]))

    assert "scikit-learn" in estimator.libraries
    assert (estimator.remark, estimator.as_stock) == (" (as stock)", True)


@pytest.mark.parametrize(
    ("spec", "quickest"),
    [
        (KNN(algorithm="ball_tree"), "brute"),
        (KNN(algorithm="kd_tree", metric="manhattan"), "brute"),
        (KNN(algorithm="brute", p=3), "kd_tree"),
        (KNN(algorithm="ball_tree", metric="braycurtis"), "ball_tree"),
    ],
)
def test_after_a_step_scikit_learn_searches_by_its_fastest_algorithm_on_every_thread(mnist, run, spec, quickest):
    estimator = sklearn_neighbors(spec.model_copy(update={"preprocess": (MinMaxScaler(),)}), run)
    estimator.fit(rows(mnist.train_images[:50]).astype(float), np.array(mnist.train_labels[:50]))

    assert estimator.estimator.algorithm == quickest
    assert (estimator.remark, estimator.as_stock) == (f" ({quickest}, 2 threads)", False)


METRICS_AFTER_STEPS = [("minkowski", 1), ("minkowski", 2), ("minkowski", 3), ("chebyshev", 2), ("cosine", 2)]
STEPS = [StandardScaler(), MinMaxScaler(), Normalizer(), PCA(n_components=20, random_state=0), PCA(n_components=5)]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.kind} {getattr(step, 'n_components', '')}")
@pytest.mark.parametrize("data", ["mnist", "digits"])
def test_the_fastest_algorithm_after_a_step_changes_no_answer(request, step, data):
    dataset = request.getfixturevalue(data)
    run = Run(seed=1, threads=2, dataset=dataset)
    images, labels = rows(dataset.train_images[:500]).astype(float), np.array(dataset.train_labels[:500])
    queries = rows(dataset.test_images[:QUERIES]).astype(float)
    images, queries = preprocessing.preprocessed(KNN(preprocess=(step,)), run, images, queries)

    for metric, p in METRICS_AFTER_STEPS:
        algorithm = "brute" if metric == "cosine" else "ball_tree"
        for k, weights in ((1, "uniform"), (5, "distance")):
            spec = validated(
                n_neighbors=k, weights=weights, algorithm=algorithm, metric=metric, p=p, preprocess=(step,)
            )
            stock, fast = stock_knn.build(spec, run), knn.build(spec, run)
            for estimator in (stock, fast):
                estimator.fit(images, labels)
            distances, _ = stock.estimator.kneighbors(queries, k + 1)
            clear = ~np.isclose(distances[:, k - 1], distances[:, k], rtol=1e-9, atol=0)
            assert clear.sum() > QUERIES / 2 or metric == "chebyshev"
            assert (stock.predict(queries) == fast.predict(queries))[clear].all()


@pytest.mark.parametrize(
    "spec",
    [
        Forest(n_estimators=23, random_state=0),
        Forest(n_estimators=10, random_state=1, oob_score=True, max_features=None),
        Forest(n_estimators=12, random_state=2, class_weight="balanced_subsample", criterion="entropy"),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_forest_grown_in_steps_or_by_threads_answers_as_one_grown_at_once(mnist, spec, threads):
    images, labels = mnist.train_images[:1000], np.array(mnist.train_labels[:1000])
    run = Run(seed=7, threads=threads, dataset=mnist)
    answers = []
    for build in (stock_forest.build, fast_forest.build):
        forest = build(spec, run)
        forest.fit(forest.prepare(images), labels)
        answers.append(forest.predict(forest.prepare(mnist.test_images[:500])))

    assert (answers[0] == answers[1]).all()


@pytest.mark.parametrize(
    ("spec", "threads", "reported"),
    [
        (Forest(n_estimators=45), 1, [*range(5, 46, 5)]),
        (Forest(n_estimators=8, oob_score=True), 1, [8]),
        (Forest(n_estimators=7), 3, [*range(1, 8)]),
        (Forest(n_estimators=30, class_weight="balanced"), 2, [*range(1, 31)]),
    ],
)
def test_a_forest_reports_its_progress(mnist, monkeypatch, spec, threads, reported):
    grown = []
    monkeypatch.setattr(
        Run, "progress", lambda self, phase, done, **more: grown.append(round(done * spec.n_estimators))
    )
    forest = fast_forest.build(spec, Run(seed=7, threads=threads, dataset=mnist))

    forest.fit(forest.prepare(mnist.train_images[:200]), np.array(mnist.train_labels[:200]))

    assert grown == reported


def test_a_trainer_runs_on_the_requested_engine(trainer):
    stock = train(trainer, {"family": "knn", "n_neighbors": 3, "p": 3})
    fast = train(trainer, {"family": "knn", "n_neighbors": 3, "p": 3}, engine="accelerated")

    assert fast["public"] == stock["public"]
    assert fast["errors"] == stock["errors"]
    assert (stock["engine_version"].split()[0], fast["engine_version"].split()[0]) == ("scikit-learn", "numba")


def test_an_unknown_engine_is_refused_and_the_known_ones_are_named():
    with pytest.raises(LookupError, match="accelerated, stock"):
        engine_named("quantum")
