"""Specs against scikit-learn itself: accepted specs can be fitted, and are rendered like its own repr."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

from submissions.notation.writer import render
from submissions.specs.knn import KNN, TREES, Metric
from submissions.specs.spec import Spec
from tests.spec_strategies import forests, knns

IMAGES, LABELS = load_digits(return_X_y=True)
SLOW_IS_FINE = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

pytestmark = [pytest.mark.trains, pytest.mark.filterwarnings("ignore")]


def without_steps(spec: Spec) -> Spec:
    """The spec without preprocessing."""
    return spec.model_copy(update={"preprocess": ()})


@SLOW_IS_FINE
@given(knns().map(without_steps))
def test_a_knn_is_rendered_like_scikit_learns_repr(spec):
    theirs = repr(KNeighborsClassifier(**spec.arguments()))

    assert render(spec) == " ".join(theirs.split())


@SLOW_IS_FINE
@given(forests().map(without_steps))
def test_a_forest_is_rendered_like_scikit_learns_repr(spec):
    theirs = repr(RandomForestClassifier(**spec.arguments()))

    assert render(spec) == " ".join(theirs.split())


@pytest.mark.parametrize("algorithm", ["auto", "brute", *TREES])
@pytest.mark.parametrize("metric", get_args(Metric))
def test_every_accepted_metric_can_be_fitted(algorithm, metric):
    spec = KNN(algorithm=algorithm, metric=metric, p=1.5)
    if [*spec.conflicts(None)]:
        assert metric not in TREES[algorithm]
        return
    model = KNeighborsClassifier(**spec.arguments()).fit(IMAGES[:200], LABELS[:200])

    assert model.score(IMAGES[200:220], LABELS[200:220]) > 0.5


@pytest.mark.long
@SLOW_IS_FINE
@given(forests(trees=3))
def test_every_accepted_forest_can_be_fitted(spec):
    sample = slice(0, 300)
    arguments = {**spec.arguments(), "n_jobs": None, "verbose": 0}

    assert RandomForestClassifier(**arguments).fit(IMAGES[sample], LABELS[sample]).estimators_
