"""The main job end to end on digits, with real HTTP, broker, Celery workers and trainers."""

import pytest

pytestmark = [pytest.mark.stack, pytest.mark.trains, pytest.mark.timeout(240)]

NET = """
model = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Conv2D(4, 3, activation="relu"),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(x, y, epochs=3, batch_size=32)
"""


def test_a_knn_is_trained_scored_and_on_the_board(stack):
    submitted = stack.submit("KNeighborsClassifier(n_neighbors=4, weights='distance')")
    run = stack.wait(submitted)

    assert run["state"] == "scored"
    assert run["score"] == 348 / 360
    assert run["model"] == "KNeighborsClassifier(n_neighbors=4, weights='distance')"
    assert run["timing"]["train"] < run["timing"]["total"] < 30
    assert run["hardware"]["cpu_model"]
    board = stack.ask("GET", "/").body
    assert "ITMALGrp01" in board
    assert f"{run['score']:.5f}" in board
    assert "KNeighborsClassifier" in stack.ask("GET", "/feed.txt").body


def test_a_forest_as_json_gives_what_scikit_learn_gives(stack):
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier

    run = stack.wait(stack.submit({"family": "forest", "n_estimators": 30, "random_state": 0}, user="itmalgrp02"))

    images, labels = load_digits(return_X_y=True)
    direct = RandomForestClassifier(n_estimators=30, random_state=0).fit(images[:1437], labels[:1437])
    assert run["score"] == pytest.approx(direct.score(images[1437:], labels[1437:]), abs=1e-12)


def test_a_network_in_keras_notation_reports_its_epochs(stack):
    run = stack.wait(stack.submit(NET, user="itmalgrp03"))

    assert run["state"] == "scored", run["reason"]
    assert run["device"] == "auto"
    assert run["score"] > 0.3
    assert run["timing"]["first_step"] <= run["timing"]["train"]
    page = stack.ask("GET", f"/api/v1/submissions/{run['id']}/", user="itmalgrp03").body
    assert page["attempts"][0]["device"] == "cpu"


def test_a_running_submission_is_cancelled_within_seconds(stack):
    forest = stack.submit({"family": "forest", "n_estimators": 1000, "max_features": None}, user="itmalgrp04")
    stack.wait(forest, "running", seconds=60)

    assert stack.ask("POST", f"/api/v1/submissions/{forest['id']}/cancel/", user="itmalgrp04").status in (200, 202)

    assert stack.wait(forest, seconds=15)["state"] == "cancelled"


def test_a_gpu_submission_waits_and_says_why(stack):
    waiting = stack.submit(NET, device="gpu", user="itmalgrp05")

    assert waiting["state"] == "queued"
    assert waiting["position"] == 1
    stack.ask("POST", f"/api/v1/submissions/{waiting['id']}/cancel/", user="itmalgrp05")


def test_the_service_says_that_it_is_ready(stack):
    assert stack.ask("GET", "/readyz").body == {"ready": True, "missing": []}
