"""Validation of model configurations: accepted data, refused data, and the messages."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from submissions.families.network import LENET_5_LIKE, dense
from submissions.specs.forest import Forest
from submissions.specs.knn import KNN
from submissions.specs.spec import DATASETS, Limits, SpecError, dump
from submissions.specs.validation import validate
from tests.spec_strategies import specs

INPUT = {"kind": "Input", "shape": [784]}
OUTPUT = {"kind": "Dense", "units": 10, "activation": "softmax"}


def refused(data: object, **options: object) -> dict[str, str]:
    with pytest.raises(SpecError) as error:
        validate(data, **options)  # type: ignore[arg-type]
    return {found["field"]: found["message"] for found in error.value.errors}


def network(*layers: dict[str, object], **fields: object) -> dict[str, object]:
    return {"family": "cnn", "layers": [INPUT, *layers, OUTPUT], **fields}


@given(specs())
def test_a_spec_survives_a_round_trip_through_json(spec):
    data = dump(spec)

    assert validate(data, dataset=None) == spec
    assert dump(validate(json.dumps(data), dataset=None)) == data


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from([dump(KNN()), dump(Forest()), dump(LENET_5_LIKE), network()]), st.data())
def test_any_object_is_validated_or_refused_with_a_spec_error(whole, data):
    target = whole = json.loads(json.dumps(whole))
    while True:
        places = sorted(target) if isinstance(target, dict) else range(len(target))
        place = data.draw(st.sampled_from(places))
        if not isinstance(target[place], dict | list) or not target[place] or data.draw(st.booleans()):
            break
        target = target[place]
    target[place] = data.draw(JSON)
    try:
        spec = validate(whole, dataset=None)
    except SpecError as error:
        # PT017 wants pytest.raises, but either end is right here.
        assert all(found["field"] and found["message"] for found in error.errors)  # noqa: PT017
    else:
        assert validate(dump(spec), dataset=None) == spec


def test_defaults_are_filled_in():
    assert dump(validate({"family": "knn"})) == {
        "family": "knn", "n_neighbors": 5, "weights": "uniform", "algorithm": "auto", "leaf_size": 30, "p": 2,
        "metric": "minkowski", "n_jobs": None, "preprocess": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("n_neighbors", True, "True is not allowed: give a whole number from 1 to 1000"),
        ("n_neighbors", 0, "0 is not allowed: give a whole number from 1 to 1000"),
        ("n_neighbors", 1001, "The service's limit is 1,000"),
        ("n_neighbors", 3.0, "3.0 is not allowed"),
        ("n_neighbors", "3", "'3' is not allowed"),
        ("n_neighbors", None, "None is not allowed"),
        ("n_neighbors", 10**400, "not allowed"),
        ("p", float("nan"), "nan is not allowed: give a number from 1 to 100"),
        ("p", float("inf"), "inf is not allowed"),
        ("p", 0.5, "0.5 is not allowed"),
        ("weights", "heavy", "'heavy' is not allowed: give one of 'uniform', 'distance' or None"),
        ("n_jobs", 0, "give a whole number from 1 to 64, -1 or None"),
        ("n_neighbours", 3, "unknown: did you mean n_neighbors?"),
        ("colour", 3, "unknown: use one of n_neighbors, weights, algorithm"),
        ("metric", "mahalanobis", "'mahalanobis' is not allowed: give one of 'minkowski'"),
    ],
)
def test_a_wrong_value_is_refused_naming_the_parameter_and_what_would_be_allowed(field, value, words):
    found = refused({"family": "knn", field: value})

    assert list(found) == [field]
    assert words in found[field]


@pytest.mark.parametrize("text", ['{"family": "knn", "p": NaN}', '{"family": "knn", "p": Infinity}', "[1]", "3", "{"])
def test_invalid_json_text_is_refused(text):
    assert refused(text)


@pytest.mark.parametrize(
    "data", [None, 3, "x", b"\xff", ["knn"], {"family": {}}, {"family": "svm"}, {}, {"family": "knn", "p": {1}}]
)
def test_data_that_is_not_a_model_is_refused(data):
    assert refused(data)


def test_hostile_json_is_refused():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    assert refused({"family": "knn", "p": deep})
    assert refused("[" * 30_000)
    assert refused('{"family": "knn", "p": ' + "[" * 30_000 + "]" * 30_000 + "}")
    assert "64 KB" in refused('{"family": "knn", "p": "' + "x" * 70_000 + '"}')["model"]
    assert refused('{"family": "knn", "n_neighbors": ' + "9" * 60_000 + "}")
    assert refused('{"family": "\ud800"}')


def test_all_wrong_values_are_reported_together():
    assert list(refused({"family": "knn", "n_neighbors": 0, "p": -1, "weights": 3})) == ["n_neighbors", "weights", "p"]


def test_cosine_is_refused_with_a_tree_search():
    assert "algorithm='brute'" in refused({"family": "knn", "metric": "cosine", "algorithm": "ball_tree"})["metric"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_samples", 0.5), ("oob_score", True),
    ],
)  # fmt: skip
def test_forest_options_that_need_bootstrap_are_refused_without_it(field, value):
    assert "bootstrap=True" in refused({"family": "forest", "bootstrap": False, field: value})[field]


def test_a_forest_cannot_try_more_pixels_than_an_image_has():
    assert "64 pixels" in refused({"family": "forest", "max_features": 65}, dataset="digits")["max_features"]
    assert validate({"family": "forest", "max_features": 65}, dataset="mnist")


def test_a_class_weight_for_an_unknown_digit_is_refused():
    assert "'10' is unknown" in refused({"family": "forest", "class_weight": {"10": 1.0}})["class_weight.10"]


def test_class_weights_are_bounded():
    data = {"family": "forest", "class_weight": {"3": 1e6}}

    assert "above 0 and of at most 100" in refused(data)["class_weight.3"]


def test_whole_numbers_and_fractions_mean_different_things_to_a_forest():
    assert type(validate({"family": "forest", "max_features": 1}).arguments()["max_features"]) is int
    assert type(validate({"family": "forest", "max_features": 1.0}).arguments()["max_features"]) is float


@pytest.mark.parametrize(
    ("data", "limits", "field", "words"),
    [
        ({"family": "forest"}, Limits(trees=99), "n_estimators", "100 trees exceed the quest's limit of 99"),
        (network(epochs=9), Limits(epochs=8), "epochs", "9 epochs exceed the quest's limit of 8"),
        (network(), Limits(parameters=7849, owner="course"), "layers", "7,850 parameters exceed the course's limit"),
    ],
)  # fmt: skip
def test_a_quests_limit_is_checked_and_its_owner_named(data, limits, field, words):
    assert validate(data)
    assert words in refused(data, limits=limits)[field]


def test_the_service_limits_a_networks_parameters():
    layers = [{"kind": "Dense", "units": 16_384}, {"kind": "Dense", "units": 16_384}]

    assert "the service's limit of 50,000,000" in refused(network(*layers))["layers"]


@pytest.mark.parametrize(
    ("layer", "field", "words"),
    [
        ({"kind": "LSTM"}, "layers.1", "kind 'LSTM' is not supported: give one of 'Activation'"),
        ({}, "layers.1", "Give a kind: one of"),
        ({"kind": "Dense"}, "layers.1.units", "This is required: give a whole number from 1 to 16384"),
        ({"kind": "Dense", "units": 8, "unit": 8}, "layers.1.unit", "did you mean units?"),
        ({"kind": "Dense", "units": 8, "activation": "rely"}, "layers.1.activation", "'rely' is not allowed"),
        ({"kind": "Dropout", "rate": 1}, "layers.1.rate", "1 is not allowed: give a number of at least 0 and below 1"),
        ({"kind": "Conv2D", "filters": 2, "kernel_size": 3}, "layers.1", "Layer 1 does not fit: Conv2D takes height"),
        ({"kind": "RBF"}, "layers.1", "RBF must be the last layer"),
        ({"kind": "Input", "shape": [784]}, "layers.1", "Input must be the first layer, and only that"),
    ],
)  # fmt: skip
def test_an_invalid_layer_is_named(layer, field, words):
    assert words in refused(network(layer))[field]


def test_a_wrong_kernel_size_is_reported_once_at_the_wrong_number():
    layers = [{"kind": "Conv2D", "filters": 2, "kernel_size": [3, 99]}, {"kind": "Flatten"}]
    data = {"family": "cnn", "layers": [{"kind": "Input", "shape": [28, 28, 1]}, *layers, OUTPUT]}

    assert list(refused(data)) == ["layers.1.kernel_size.1"]


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_only_input_shapes_that_match_the_data_set_are_accepted(dataset):
    side = DATASETS[dataset].side
    shapes = [[side, side, 1], [side, side], [side * side], *([[32, 32, 1]] if side == 28 else [])]
    for shape in shapes:
        assert validate(_on(shape), dataset=dataset)

    for shape in [[side + 1, side + 1, 1], [side, side, 3], [1]]:
        assert "does not match these images" in refused(_on(shape), dataset=dataset)["layers.0.shape"]


def _on(shape: list[int]) -> dict[str, object]:
    return {"family": "cnn", "layers": [{"kind": "Input", "shape": shape}, {"kind": "Flatten"}, OUTPUT]}


def test_a_network_begins_with_input_and_ends_with_ten_outputs():
    assert "begin with Input" in refused({"family": "cnn", "layers": [OUTPUT, OUTPUT]})["layers.0"]
    assert "(10,)" in refused({"family": "cnn", "layers": [INPUT, {"kind": "Dense", "units": 9}]})["layers.1"]
    assert "layers" in refused({"family": "cnn", "layers": []})
    assert "layers" in refused({"family": "cnn"})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"loss": {"name": "mean_squared_error", "from_logits": True}}, "loss.from_logits"),
        ({"early_stopping": {"patience": 2}}, "early_stopping.monitor"),
        ({"optimizer": {"name": "adam", "clipnorm": 1.0, "clipvalue": 1.0}}, "optimizer.clipvalue"),
        ({"optimizer": {"name": "adamw", "weight_decay": None}}, "optimizer.weight_decay"),
        ({"optimizer": {"name": "adam", "momentum": 0.9}}, "optimizer.momentum"),
        ({"optimizer": {"name": "lion"}}, "optimizer"),
        ({"optimizer": "adam"}, "optimizer"),
        ({"epochs": 501}, "epochs"),
        ({"validation_split": 1}, "validation_split"),
    ],
)
def test_invalid_training_parameters_are_refused_by_field(fields, field):
    assert list(refused(network(**fields))) == [field]


def test_rbf_is_trained_from_logits():
    data = {"family": "cnn", "layers": [INPUT, {"kind": "RBF"}]}

    assert dump(validate(data))["loss"]["from_logits"]
    assert "RBF outputs logits" in refused({**data, "loss": {}})["loss.from_logits"]


def test_a_spec_is_frozen():
    field = "epochs"

    with pytest.raises(ValueError, match="frozen"):
        setattr(dense(8), field, 3)


def test_specs_and_notation_import_neither_django_nor_machine_learning_libraries():
    code = (
        "import sys; from submissions.notation.reader import parse; parse('KNeighborsClassifier()');"
        "sys.exit(bool({'django', 'numpy', 'sklearn', 'keras', 'tensorflow'} & sys.modules.keys()))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
