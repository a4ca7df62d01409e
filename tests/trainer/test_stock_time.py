"""The predicted time of an accelerated run on stock: marked as predicted, and right within a factor of three."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import cast

import pytest

from leaderboard.pages import board
from submissions.models import Attempt
from submissions.specs import cost
from submissions.specs.forest import Forest
from submissions.specs.knn import KNN
from submissions.specs.preprocessing import MinMaxScaler
from submissions.specs.spec import DATASETS
from tests.cast import KNN as SUBMITTED
from tests.trainers import train
from workers.engines.registry import engine_named
from workers.engines.run import Run
from workers.engines.sklearn.estimator import SklearnEstimator
from workers.trainer import machine_speed, stock_time

NET = {"family": "cnn", "epochs": 5, "layers": [
    {"kind": "Input", "shape": [8, 8, 1]},
    {"kind": "Conv2D", "filters": 6, "kernel_size": [3, 3], "activation": "relu"},
    {"kind": "Flatten"},
    {"kind": "Dense", "units": 10, "activation": "softmax"},
]}  # fmt: skip
SECONDS = {"train_s": 2.0, "predict_s": 1.0}


def predicted(spec, *, engine: str = "accelerated", device: str = "cpu", dataset: str = "mnist", **attributes: object):
    run = cast(Run, SimpleNamespace(device=device, dataset=SimpleNamespace(name=dataset)))
    built = SklearnEstimator(None)
    for name, value in attributes.items():
        setattr(built, name, value)
    return stock_time.predicted(spec, run, built, engine=engine_named(engine), seconds=SECONDS, cpu_s=8.0)


@pytest.fixture
def reference(monkeypatch, tmp_path):
    """The machine is as fast as the one that the formulas were fitted on."""
    monkeypatch.setattr(machine_speed, "best_task_seconds", lambda: machine_speed.REFERENCE_S)
    monkeypatch.setenv("QUEST_DATA_HOME", str(tmp_path))


@pytest.fixture
def slow_post(submit, score):
    """A scored run on the accelerated engine, for which stock should have taken ten minutes."""
    submission = score(submit(), 350)
    Attempt.objects.update(stock_predicted_s=580.0)
    return submission


# Seconds on two idle cores; all but the first from samples of the queries.
@pytest.mark.parametrize(
    ("spec", "measured"),
    [
        (KNN(algorithm="brute"), 7),
        (KNN(algorithm="brute", p=1), 113),
        (KNN(algorithm="brute", p=3), 2900),
        (KNN(algorithm="ball_tree"), 700),
        (KNN(algorithm="ball_tree", p=1), 700),
        (KNN(algorithm="ball_tree", p=4), 3100),
    ],
)
def test_on_mnist_the_formula_tells_ball_tree_from_brute_force(reference, spec, measured):
    assert measured / 2 < predicted(spec) < measured * 2


@pytest.mark.parametrize(
    ("spec", "most", "least"),
    [
        (KNN(p=3), 10, 10),
        (KNN(p=3, preprocess=(MinMaxScaler(),)), 2400, 2300),
        (KNN(metric="canberra"), 2400, 2300),
        (KNN(algorithm="ball_tree", preprocess=(MinMaxScaler(),)), 9, 8),
    ],
)
def test_the_kernels_speed_is_expected_only_of_what_they_compute(spec, most, least):
    assert least <= cost.estimated_seconds(spec, DATASETS["mnist"], accelerated=True) <= most


def test_after_a_step_stock_is_predicted_by_the_formula_too(reference):
    scaled = KNN(algorithm="ball_tree", preprocess=(MinMaxScaler(),))

    assert predicted(scaled, as_stock=False) == predicted(KNN(algorithm="ball_tree"))


def test_a_machine_half_as_fast_takes_twice_as_long(reference, monkeypatch):
    here = predicted(KNN(p=3))
    machine_speed.store_file().unlink()
    monkeypatch.setattr(machine_speed, "best_task_seconds", lambda: 2 * machine_speed.REFERENCE_S)

    assert predicted(KNN(p=3)) == pytest.approx(2 * here)


def test_the_best_measurement_of_a_machine_is_kept(reference, monkeypatch):
    machine_speed.measure()
    monkeypatch.setattr(machine_speed, "best_task_seconds", lambda: 5 * machine_speed.REFERENCE_S)

    assert machine_speed.measure() == machine_speed.REFERENCE_S
    assert machine_speed.slowness() == 1


def test_the_task_itself_takes_a_moment():
    assert 0.001 < machine_speed.best_task_seconds() < 1


def test_a_forest_on_more_cores_did_the_same_work(reference):
    assert predicted(Forest(), stock_threads=1) == 8.0
    assert predicted(Forest(n_jobs=2), stock_threads=2) == 4.0


def test_work_left_to_stock_needs_no_prediction(reference):
    assert predicted(KNN(metric="canberra"), as_stock=True) == 3.0


def test_nothing_is_predicted_for_stock_itself_nor_for_a_gpu(reference):
    assert predicted(KNN(), engine="stock") is None
    assert predicted(KNN(), device="gpu") is None


def test_the_board_shows_the_prediction_marked_as_such(client, slow_post):
    page = client.get("/").text

    assert "stock engine: about 10 min (est.)" in page


def test_feed_submission_and_api_give_the_prediction_too(client, owner_client, slow_post):
    assert "stock=about 10 min (predicted)" in client.get("/feed.txt").text
    page = owner_client.get(f"/submissions/{slow_post.pk}/").text
    assert "<dt>On the stock engine (est.)</dt><dd>about 10 min</dd>" in page
    timing = owner_client.get(f"/api/v1/submissions/{slow_post.pk}/").json()["timing"]
    assert timing["stock_predicted"] == 580.0
    [row] = client.get("/api/v1/leaderboard/").json()["results"]
    assert row["timing"]["stock_predicted"] == 580.0


def test_a_board_sorted_by_time_names_the_engines_that_it_mixes(
    client, submit, score, stranger, other_group, monkeypatch
):
    note = "These runs used different engines (accelerated, stock)"
    score(submit(), 350)
    assert note not in client.get("/?sort=train").text
    score(submit(SUBMITTED, engine="stock", submitter=stranger, group=other_group), 340)

    assert note in client.get("/?sort=train").text
    assert note in client.get("/?sort=-predict").text
    with monkeypatch.context() as patch:
        patch.setattr(board, "PAGE", 1)  # also where each page has runs of one engine alone
        assert note in client.get("/?sort=train").text
        assert note in client.get("/?sort=train&page=2").text
    assert note not in client.get("/").text


def test_a_desk_export_names_engine_and_prediction(instructor_client, slow_post, quest):
    [row] = json.loads(instructor_client.get(f"/desk/submissions.json?quest={quest.pk}").getvalue())

    assert (row["engine"], row["engine_version"]) == ("accelerated", "scikit-learn 1.9.1")
    assert (row["stock_predicted_s"], row["exclusive"]) == (580.0, False)


@pytest.mark.long  # there it has the machine to itself: others' work would not slow both sides alike
@pytest.mark.parametrize("spec", [{"family": "knn", "p": 3}, {"family": "forest", "n_estimators": 60}, NET], ids=str)
def test_the_prediction_is_within_a_factor_of_three_of_a_run_on_stock(trainer, spec):
    prediction = train(trainer, spec, engine="accelerated")["stock_predicted_s"]
    stock = [train(trainer, spec, engine="stock", threads=2) for _ in range(2)]

    # Whichever is shorter, CPU time or wall clock: the rest of the wall clock was spent waiting for other processes.
    took = min(min(run["timing"]["train_s"] + run["timing"]["predict_s"], run["timing"]["cpu_s"]) for run in stock)
    assert prediction is not None
    assert took / 3 < prediction < took * 3
    assert stock[0]["stock_predicted_s"] is None
