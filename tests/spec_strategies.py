"""Hypothesis strategies for specs of every family."""

from __future__ import annotations

from typing import Any, get_args

import pydantic
from hypothesis import strategies as st

from submissions.specs import image_layers, layers, training
from submissions.specs.forest import Digit, Forest
from submissions.specs.knn import KNN, TREES, Metric
from submissions.specs.layer_types import LAYERS
from submissions.specs.layers import Activation, Initializer, ShapeMismatch
from submissions.specs.network import CNN, input_shapes
from submissions.specs.preprocessing import PCA, MinMaxScaler, Normalizer, StandardScaler, step_conflicts
from submissions.specs.spec import DATASETS

activations = st.sampled_from(get_args(Activation))
initializers = st.sampled_from(get_args(Initializer))
seeds = st.integers(0, 2**32 - 1)
jobs = st.sampled_from([None, -1, 1, 2, 64])
rates = st.floats(0, 1, exclude_max=True)
shares = st.floats(0, 1, exclude_min=True)
positive = st.floats(1e-6, 1e6)
sizes = st.integers(1, 4)
pairs = st.tuples(sizes, sizes)
paddings = st.sampled_from(["valid", "same"])


def instances(model: type[pydantic.BaseModel], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Instances of the model with its required fields and any subset of the others."""
    required = {name: fields[name] for name in fields if model.model_fields[name].is_required()}
    optional = {name: strategy for name, strategy in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda values: model(**values))


def steps() -> st.SearchStrategy[Any]:
    one = st.one_of(
        instances(StandardScaler, with_mean=st.booleans(), with_std=st.booleans()),
        instances(MinMaxScaler, feature_range=st.tuples(st.floats(-2, 0), st.floats(1, 2)), clip=st.booleans()),
        instances(Normalizer, norm=st.sampled_from(["l1", "l2", "max"])),
        instances(
            PCA,
            n_components=st.none() | st.integers(1, 784) | st.floats(0.01, 0.99),
            whiten=st.booleans(),
            svd_solver=st.sampled_from(["auto", "full", "covariance_eigh"]),
            random_state=st.none() | seeds,
        ),
    )
    listed = st.lists(one, max_size=3).map(tuple)
    return listed.filter(lambda steps: not [*step_conflicts(steps, DATASETS["mnist"])])


@st.composite
def knns(draw: st.DrawFn) -> KNN:
    algorithm = draw(st.sampled_from(["auto", "brute", *TREES]))
    metrics = sorted(TREES.get(algorithm, get_args(Metric)))
    return draw(
        instances(
            KNN,
            n_neighbors=st.integers(1, 1000),
            weights=st.sampled_from(["uniform", "distance", None]),
            algorithm=st.just(algorithm),
            leaf_size=st.integers(1, 60_000),
            p=st.floats(1, 100) | st.integers(1, 100),
            metric=st.sampled_from(metrics),
            n_jobs=jobs,
            preprocess=steps(),
        )
    )


def forests(trees: int = 10_000) -> st.SearchStrategy[Forest]:
    weights = st.dictionaries(st.sampled_from(get_args(Digit)), st.floats(0.01, 100), min_size=1)
    specs = instances(
        Forest,
        n_estimators=st.integers(1, trees),
        criterion=st.sampled_from(["gini", "entropy", "log_loss"]),
        max_depth=st.none() | st.integers(1, 1000),
        min_samples_split=st.integers(2, 100) | shares,
        min_samples_leaf=st.integers(1, 100) | st.floats(0, 1, exclude_min=True, exclude_max=True),
        min_weight_fraction_leaf=st.floats(0, 0.5),
        max_features=st.sampled_from(["sqrt", "log2", None]) | st.integers(1, 64) | shares,
        max_leaf_nodes=st.none() | st.integers(2, 1000),
        min_impurity_decrease=st.floats(0, 1),
        bootstrap=st.booleans(),
        oob_score=st.booleans(),
        n_jobs=jobs,
        random_state=st.none() | seeds,
        verbose=st.integers(0, 3) | st.booleans(),
        warm_start=st.booleans(),
        class_weight=st.sampled_from([None, "balanced", "balanced_subsample"]) | weights,
        ccp_alpha=st.floats(0, 1),
        max_samples=st.none() | st.integers(1, 1000) | shares,
        preprocess=steps(),
    )
    return specs.filter(lambda spec: not [*spec.conflicts(None)])


CONVOLUTION = {
    "kernel_size": pairs, "strides": pairs, "padding": paddings, "dilation_rate": pairs, "activation": activations,
    "use_bias": st.booleans(), "bias_initializer": initializers,
}  # fmt: skip
POOLING = {"pool_size": pairs, "strides": st.none() | pairs, "padding": paddings}
IMAGE_LAYERS = [
    instances(image_layers.Conv2D, filters=st.integers(1, 8), kernel_initializer=initializers, **CONVOLUTION),
    instances(image_layers.DepthwiseConv2D, depth_multiplier=sizes, depthwise_initializer=initializers, **CONVOLUTION),
    instances(image_layers.SeparableConv2D, filters=st.integers(1, 8), depth_multiplier=sizes, **CONVOLUTION),
    instances(image_layers.MaxPooling2D, **POOLING),
    instances(image_layers.AveragePooling2D, **POOLING),
    instances(image_layers.ZeroPadding2D, padding=st.tuples(pairs, pairs)),
    instances(image_layers.SpatialDropout2D, rate=rates),
    instances(image_layers.GlobalMaxPooling2D, keepdims=st.booleans()),
    instances(image_layers.GlobalAveragePooling2D, keepdims=st.booleans()),
]
ANY_SHAPE = [
    instances(layers.Dense, units=st.integers(1, 20), activation=activations, use_bias=st.booleans()),
    instances(layers.Dropout, rate=rates, seed=st.none() | st.integers(0, 2**31 - 1)),
    instances(layers.BatchNormalization, momentum=st.floats(0, 1), center=st.booleans(), scale=st.booleans()),
    instances(layers.ActivationLayer, activation=activations),
    instances(layers.ReLU, max_value=st.none() | positive, negative_slope=positive, threshold=positive),
    instances(layers.LeakyReLU, negative_slope=positive),
    instances(layers.ELU, alpha=positive),
    instances(layers.Rescaling, scale=positive, offset=st.floats(-10, 10)),
    st.just(layers.Flatten()),
]
assert len(IMAGE_LAYERS) + len(ANY_SHAPE) + len(["Input", "RBF"]) == len(LAYERS)


def optimizers() -> st.SearchStrategy[Any]:
    shared = {"learning_rate": st.floats(1e-6, 10), "weight_decay": st.floats(0, 1), "use_ema": st.booleans()}
    clips = st.sampled_from(["clipnorm", "clipvalue", "global_clipnorm"])
    plain = [instances(kind, **shared) for kind in training.OPTIMIZERS.values()]
    clipped = st.tuples(clips, positive).map(lambda clip: training.Adam.model_validate({clip[0]: clip[1]}))
    return st.one_of(*plain, clipped)


@st.composite
def networks(draw: st.DrawFn) -> CNN:
    stack: list[Any] = [layers.Input(shape=draw(st.sampled_from(input_shapes(28))))]
    shape = stack[0].shape
    for _ in range(draw(st.integers(0, 6))):
        layer = draw(st.one_of(*(IMAGE_LAYERS if len(shape) == 3 else []), *ANY_SHAPE))
        try:
            shape = layer.build(shape).shape
        except ShapeMismatch:
            continue
        stack.append(layer)
    if len(shape) > 1:
        stack.append(layers.Flatten())
    stack.append(draw(st.just(layers.RBF()) | instances(layers.Dense, units=st.just(10), activation=activations)))
    return draw(trainings(tuple(stack)))


@st.composite
def trainings(draw: st.DrawFn, stack: tuple[Any, ...]) -> CNN:
    split = draw(st.floats(0, 0.9))
    monitors = ["loss", "accuracy", *(["val_loss", "val_accuracy"] if split else [])]
    stopping = st.builds(
        training.EarlyStopping, monitor=st.sampled_from(monitors), patience=st.integers(0, 9), min_delta=st.floats(0, 1)
    )
    losses = st.sampled_from(["sparse_categorical_crossentropy", "categorical_crossentropy"])
    loss = draw(instances(training.Loss, name=losses, from_logits=st.booleans()))
    if isinstance(stack[-1], layers.RBF):
        loss = training.Loss(name=loss.name, from_logits=True)
    return CNN(
        layers=stack,
        optimizer=draw(optimizers()),
        loss=loss,
        epochs=draw(st.integers(1, 500)),
        batch_size=draw(st.integers(1, 60_000)),
        validation_split=split,
        early_stopping=draw(st.none() | stopping),
        seed=draw(st.none() | seeds),
        precision=draw(st.sampled_from(["float32", "mixed_float16", "mixed_bfloat16"])),
    )


def specs() -> st.SearchStrategy[Any]:
    return st.one_of(knns(), forests(), networks())
