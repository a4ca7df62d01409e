"""How the notebook client writes scikit-learn objects and plain values as text, without a connection."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from mnist_quest import NotExpressible, Quest, notation
from submissions.notation.reader import parse
from submissions.specs.spec import dump

pytestmark = pytest.mark.slow


def test_an_estimator_is_its_constructor_without_defaults():
    assert (
        notation(KNeighborsClassifier(4, weights="distance"))
        == "KNeighborsClassifier(n_neighbors=4, weights='distance')"
    )
    assert notation(RandomForestClassifier()) == "RandomForestClassifier()"


def test_a_quest_writes_notation_offline():
    quest = Quest("https://nowhere.invalid")

    assert quest.notation(KNeighborsClassifier(3)) == "KNeighborsClassifier(n_neighbors=3)"


def test_numpy_scalars_are_numbers():
    model = RandomForestClassifier(
        np.int64(20), max_depth=np.int32(7), max_features=np.float32(0.5), bootstrap=np.bool_(False),
        class_weight={np.int64(3): np.float64(2.0)},
    )  # fmt: skip

    text = notation(model)

    assert "np." not in text
    spec = dump(parse(text))
    assert (spec["n_estimators"], spec["max_depth"], spec["max_features"]) == (20, 7, 0.5)
    assert (spec["bootstrap"], spec["class_weight"]) == (False, {"3": 2.0})


def test_a_numpy_default_is_a_default():
    assert notation(KNeighborsClassifier(p=np.float64(2), n_neighbors=np.int64(5))) == "KNeighborsClassifier()"


def test_true_differs_from_a_default_of_one():
    assert notation(RandomForestClassifier(min_samples_leaf=True)) == "RandomForestClassifier(min_samples_leaf=True)"


def test_the_service_reads_what_the_client_writes():
    model = RandomForestClassifier(50, criterion="entropy", class_weight={0: 1.0, 9: 2.5}, random_state=42, n_jobs=-1)

    spec = parse(notation(model))

    assert spec.arguments() == {**model.get_params(), **{"class_weight": {0: 1.0, 9: 2.5}}}


def test_a_pipeline_keeps_its_steps_in_order():
    made = make_pipeline(StandardScaler(), PCA(n_components=np.int64(50)), KNeighborsClassifier(3))
    named = Pipeline([("scale", MinMaxScaler()), ("nothing", "passthrough"), ("model", RandomForestClassifier(20))])

    assert (
        notation(made) == "make_pipeline(StandardScaler(), PCA(n_components=50), KNeighborsClassifier(n_neighbors=3))"
    )
    assert notation(named) == "make_pipeline(MinMaxScaler(), RandomForestClassifier(n_estimators=20))"
    steps = dump(parse(notation(made)))["preprocess"]
    assert [(step["kind"], step.get("n_components")) for step in steps] == [("StandardScaler", None), ("PCA", 50)]


def test_a_fitted_search_is_its_best_estimator():
    images, digits = np.repeat(np.eye(10), 6, axis=0), np.repeat(np.arange(10), 6)
    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": np.array([3])}, cv=2).fit(images, digits)

    assert notation(search) == "KNeighborsClassifier(n_neighbors=3)"


def test_a_search_that_was_not_fitted_is_refused_with_advice():
    with pytest.raises(NotExpressible, match=r"call its fit\(x, y\) first"):
        notation(GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [3]}))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (RandomForestClassifier(random_state=np.random.RandomState(1)), "random_state: .*give an integer"),
        (KNeighborsClassifier(metric=lambda one, other: 0), "metric: <lambda> is code"),
        (KNeighborsClassifier(n_neighbors=float("nan")), "n_neighbors is nan"),
        (KNeighborsClassifier(metric_params={"V": np.eye(784)}), "metric_params is an array of 614656 values"),
        (KNeighborsClassifier, r"is a class: create a model with KNeighborsClassifier\(\)"),
        (7, r"This object \(int\) cannot be submitted"),
    ],
)
def test_a_value_that_cannot_be_written_is_named(model, says):
    with pytest.raises(NotExpressible, match=says):
        notation(model)


def test_epochs_are_refused_for_a_model_without_epochs():
    with pytest.raises(NotExpressible, match="are for Keras models"):
        notation(KNeighborsClassifier(), epochs=5)


def test_text_stays_as_it_is_and_a_spec_becomes_json():
    assert notation("KNeighborsClassifier(3)") == "KNeighborsClassifier(3)"
    assert json.loads(notation({"family": "knn", "n_neighbors": np.int64(3)})) == {"family": "knn", "n_neighbors": 3}


def test_parameters_stay_as_a_search_prints_them():
    best = {"kneighborsclassifier__n_neighbors": np.int64(3), "kneighborsclassifier__weights": "distance"}

    assert notation(best) == str(
        {name: value.item() if hasattr(value, "item") else value for name, value in best.items()}
    )
