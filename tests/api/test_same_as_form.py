"""One validation: what the form refuses, the API refuses, in the same words and about the same parameter."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from submissions.models import Submission

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
MINE = "/api/v1/submissions/"
NET = {
    "family": "cnn",
    "layers": [{"kind": "Input", "shape": [8, 8, 1]}, {"kind": "Flatten"}, {"kind": "Dense", "units": 10}],
}


def net(*layers: dict, **more: object) -> dict:
    return {**NET, "layers": [NET["layers"][0], *layers, *NET["layers"][1:]], **more}


WRONG_TEXTS = [
    "KNeighborsClassifier(n_neighbors=0)",
    "KNeighborsClassifier(n_neighbors=True)",
    "KNeighborsClassifier(n_neighbors=4.5)",
    "KNeighborsClassifier(n_neighbours=4)",
    "KNeighborsClassifier(weights='far')",
    "KNeighborsClassifier(p=0.5, n_neighbors='many')",
    "KNeighborsClassifier(algorithm='ball_tree', metric='cosine')",
    "RandomForestClassifier(n_estimators=-1, max_features='all')",
    "RandomForestClassifier(criterion='luck')",
    "SVC(C=1)",
    "KNeighborsClassifier(",
    "KNeighborsClassifier(n_neighbors=__import__('os').cpu_count())",
    "just some words",
    "Sequential([Input((8, 8, 1)), Dense(10)])",
    "Sequential([Input((9, 9, 1)), Flatten(), Dense(10)])",
    "Sequential([Input((8, 8, 1)), LSTM(4), Dense(10)])",
    "Sequential([Input((8, 8, 1)), Conv2D(4, 99), Flatten(), Dense(10)])",
    "Sequential([Input((8, 8, 1)), Flatten(), Dense(7)])",
]
WRONG_OBJECTS = [
    {"family": "svm"},
    {"family": "knn", "n_neighbors": 0},
    {"family": "knn", "n_neighbors": True, "p": "NaN"},
    {"family": "knn", "leaf_size": None},
    {"family": "knn", "colour": "red"},
    {"family": "forest", "n_estimators": 10**9},
    {"family": "forest", "max_depth": 0, "bootstrap": "yes"},
    net({"kind": "Dropout", "rate": 2}),
    net({"kind": "Conv2D", "filters": 4, "kernel_size": [99, 99]}),
    net({"kind": "Lambda"}),
    net(epochs=0),
    net(optimizer={"name": "luck"}),
    net(loss={"name": "mse"}),
    {"family": "cnn", "layers": []},
]
WRONG_FIELDS = [
    ("knn", {"n_neighbors": 0}),
    ("knn", {"n_neighbors": 4.5}),
    ("knn", {"weights": "far", "p": 0.5}),
    ("knn", {"metric": 7}),
    ("forest", {"n_estimators": -1}),
    ("forest", {"max_features": "all", "max_depth": 0}),
    ("forest", {"min_samples_leaf": True}),
]


@pytest.fixture
def told_by_api(owner_token, quest):
    def told(model: str | dict) -> list[tuple[str, str]]:
        """Field and message of each error, the field as it is called within the model."""
        headers = {"Authorization": f"Token {owner_token}"}
        response = Client(headers=headers).post(MINE, json.dumps({"model": model}), content_type="application/json")
        assert response.status_code == 400, response.json()
        errors = response.json()["errors"]
        return sorted((error["field"].removeprefix("model."), error["message"]) for error in errors)

    return told


@pytest.fixture
def told_by_form(owner_client, quest):
    def told(**fields: object) -> dict[str, list[str]]:
        response = owner_client.post("/submit/", {"quest": quest.pk, "key": "", **fields})
        assert response.status_code == 200
        assert not Submission.objects.exists()
        return {name: sorted(map(str, messages)) for name, messages in response.context["form"].errors.items()}

    return told


def in_the_box(field: str, message: str) -> str:
    """As the one box for everything has it: the path in front, where the message does not name the place itself."""
    return message if field == "model" or message.startswith("Line ") else f"{field}: {message}"


@pytest.mark.parametrize("text", WRONG_TEXTS)
def test_a_text_is_refused_in_the_same_words(told_by_api, told_by_form, text):
    expected = sorted(in_the_box(*error) for error in told_by_api(text))

    assert told_by_form(way="paste", model=text) == {"model": expected}


@pytest.mark.parametrize("model", WRONG_OBJECTS, ids=json.dumps)
def test_an_object_is_refused_in_the_same_words(told_by_api, told_by_form, model):
    expected = sorted(in_the_box(*error) for error in told_by_api(model))

    assert told_by_form(way="paste", model=json.dumps(model)) == {"model": expected}


@pytest.mark.parametrize(("family", "wrong"), WRONG_FIELDS, ids=str)
def test_a_field_is_refused_in_the_same_words(told_by_api, told_by_form, family, wrong):
    expected: dict[str, list[str]] = {}
    for field, message in told_by_api({"family": family, **wrong}):
        expected.setdefault(f"model_{field}", []).append(message)

    told = told_by_form(way=family, **{f"model_{name}": value for name, value in wrong.items()})

    assert told == expected
