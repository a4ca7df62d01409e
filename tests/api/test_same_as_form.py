"""The form and the API refuse the same models with the same message for the same parameter."""

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
def api_errors(owner_token, quest):
    def post(model: str | dict) -> list[tuple[str, str]]:
        """Field and message of each error, with the field's path within the model."""
        headers = {"Authorization": f"Token {owner_token}"}
        response = Client(headers=headers).post(MINE, json.dumps({"model": model}), content_type="application/json")
        assert response.status_code == 400, response.json()
        errors = response.json()["errors"]
        return sorted((error["field"].removeprefix("model."), error["message"]) for error in errors)

    return post


@pytest.fixture
def form_errors(owner_client, quest):
    def post(**fields: object) -> dict[str, list[str]]:
        response = owner_client.post("/submit/", {"quest": quest.pk, "key": "", **fields})
        assert response.status_code == 200
        assert not Submission.objects.exists()
        return {name: sorted(map(str, messages)) for name, messages in response.context["form"].errors.items()}

    return post


def as_in_the_text_box(field: str, message: str) -> str:
    """The message as the single text box shows it: after the path, unless the message names the place itself."""
    return message if field == "model" or message.startswith("Line ") else f"{field}: {message}"


@pytest.mark.parametrize("text", WRONG_TEXTS)
def test_a_text_is_refused_in_the_same_words(api_errors, form_errors, text):
    expected = sorted(as_in_the_text_box(*error) for error in api_errors(text))

    assert form_errors(way="paste", model=text) == {"model": expected}


@pytest.mark.parametrize("model", WRONG_OBJECTS, ids=json.dumps)
def test_an_object_is_refused_in_the_same_words(api_errors, form_errors, model):
    expected = sorted(as_in_the_text_box(*error) for error in api_errors(model))

    assert form_errors(way="paste", model=json.dumps(model)) == {"model": expected}


@pytest.mark.parametrize(("family", "wrong"), WRONG_FIELDS, ids=str)
def test_a_field_is_refused_in_the_same_words(api_errors, form_errors, family, wrong):
    expected: dict[str, list[str]] = {}
    for field, message in api_errors({"family": family, **wrong}):
        expected.setdefault(f"model_{field}", []).append(message)

    found = form_errors(way=family, **{f"model_{name}": value for name, value in wrong.items()})

    assert found == expected
