"""Networks against Keras itself: shapes, parameter counts, and the code that `render` writes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from submissions.families.network import LENET_5
from submissions.notation.writer import render
from submissions.specs.network import CNN
from submissions.specs.shapes import parameters, summary
from tests.spec_strategies import networks

pytestmark = pytest.mark.trains

WITH_KERAS = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def keras():
    import keras

    policy = keras.config.dtype_policy()
    yield keras
    keras.config.set_dtype_policy(policy)


def count(weights) -> int:
    return sum(weight.value.numpy().size for weight in weights)


@WITH_KERAS
@given(networks())
def test_shapes_and_counts_agree_with_keras(keras, spec: CNN):
    assert_agrees_with_keras(spec)


@pytest.mark.long
@settings(WITH_KERAS, max_examples=300, derandomize=False)
@given(networks())
def test_shapes_and_counts_agree_with_keras_over_300_networks(keras, spec: CNN):
    assert_agrees_with_keras(spec)


def assert_agrees_with_keras(spec: CNN) -> None:
    from workers.engines.keras.model import build

    model = build(spec)

    theirs = [
        (layer.output.shape[1:], count(layer.trainable_weights), count(layer.non_trainable_weights))
        for layer in model.layers
    ]
    assert [(row.output_shape, row.trainable, row.fixed) for row in summary(spec)] == theirs
    assert sum(parameters(spec) or ()) == model.count_params()


@WITH_KERAS
@given(networks())
def test_rendered_code_builds_the_same_model_in_keras(keras, spec: CNN):
    from workers.engines.keras.model import RBFLayer, build

    names = {**vars(keras.layers), **vars(keras.optimizers), **vars(keras.losses), "keras": keras, "RBF": RBFLayer}
    code = render(spec).rsplit("\n", 1)[0]
    typed: dict[str, Any] = {}
    exec(code, names | {"Sequential": keras.Sequential}, typed)  # our own text, in a test

    ours, typed_model = build(spec), typed["model"]
    assert [_config(layer) for layer in typed_model.layers] == [_config(layer) for layer in ours.layers]
    assert _config(_inner(typed_model.optimizer)) == _config(_inner(ours.optimizer))


def _config(part) -> dict:
    return {
        name: value for name, value in part.get_config().items() if name not in ("name", "dtype", "quantization_config")
    }


def _inner(optimizer):
    """The optimizer itself, also if mixed precision has wrapped it to scale the loss."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def test_layers_are_named_as_keras_names_them(keras):
    from workers.engines.keras.model import build

    keras.backend.clear_session()

    assert [row.name for row in summary(LENET_5)] == [layer.name for layer in build(LENET_5).layers]
