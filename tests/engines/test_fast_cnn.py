"""A compiled network equals Keras' own: the same weights after the same steps, and the same answers."""

from __future__ import annotations

import gc
from typing import Any

import keras
import numpy as np
import pytest

from submissions.families.network import LENET_5, LENET_5_LIKE, dense
from submissions.specs import image_layers, layers, training
from submissions.specs.network import CNN
from tests.trainers import train
from workers.datasets.store import Dataset
from workers.engines.fast_cnn import cnn, dense_kernels, image_kernels
from workers.engines.fast_cnn.composition import supports
from workers.engines.keras import cnn as stock_cnn
from workers.engines.run import Run

pytestmark = pytest.mark.trains

RANDOM = np.random.default_rng(5)
SIDE, BATCH = 8, 20
END = (layers.Flatten(), layers.Dense(units=10, activation="softmax"))
SGD = training.SGD(learning_rate=0.05)


@pytest.fixture(autouse=True, scope="module")
def frozen_garbage_collector():
    """Freeze as a warm trainer does: Keras collects garbage before each network, slowly with all its libraries."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def some_images(count, side):
    """Noise with a bright spot whose position gives the label."""
    labels = RANDOM.integers(0, 10, count)
    images = RANDOM.integers(0, 100, (count, side, side)).astype(np.uint8)
    images[np.arange(count), labels % side, labels // side] = 255
    return images, labels.astype(np.uint8)


def a_run(*, count=4 * BATCH, side=SIDE, threads=1, **more):
    images, labels = some_images(count, side)
    test_images, test_labels = some_images(37, side)
    data = Dataset(
        name="noise", train_images=images, train_labels=labels, test_images=test_images, test_labels=test_labels,
        checksum="", pixel_max=255,
    )  # fmt: skip
    return Run(seed=3, threads=threads, dataset=data, **more)


def network(*hidden, shape=(SIDE, SIDE, 1), **more):
    return CNN(layers=(layers.Input(shape=shape), *hidden), **{"optimizer": SGD, "batch_size": BATCH, **more})


def conv(filters=3, kernel_size=(3, 3), **more):
    return image_layers.Conv2D(filters=filters, kernel_size=kernel_size, **more)


NETWORKS = {
    "convolution": network(conv(activation="relu"), conv(4, (2, 3), activation="tanh"), *END),
    "padding and strides": network(
        conv(padding="same", strides=(2, 1), use_bias=False), conv(4, (4, 2), padding="same", strides=(1, 3)), *END
    ),
    "max pooling": network(
        image_layers.MaxPooling2D(strides=(1, 2), pool_size=(3, 2)), conv(),
        image_layers.MaxPooling2D(padding="same", pool_size=(3, 3)), *END,
    ),
    "average pooling": network(
        conv(), image_layers.AveragePooling2D(pool_size=(3, 2), strides=(2, 1), padding="same"), *END
    ),
    "global average pooling": network(
        conv(8), image_layers.GlobalAveragePooling2D(), layers.Dense(units=10), loss=training.Loss(from_logits=True)
    ),
    "global max pooling": network(conv(8), image_layers.GlobalMaxPooling2D(keepdims=True), *END),
    "activations": network(
        layers.Rescaling(scale=1 / 255, offset=-0.5), layers.Flatten(), layers.LeakyReLU(),
        layers.Dense(units=9, activation="sigmoid"),
        layers.Dense(units=8, activation="leaky_relu"), layers.ReLU(negative_slope=0.1), layers.Dense(units=10),
        layers.ActivationLayer(activation="softmax"), shape=(SIDE, SIDE),
    ),
    "squared error of a softmax": network(*END, loss=training.Loss(name="mean_squared_error")),
    "squared error": network(
        layers.Dense(units=10), shape=(SIDE * SIDE,), loss=training.Loss(name="mean_squared_error")
    ),
    "categorical cross-entropy": network(*END, loss=training.Loss(name="categorical_crossentropy")),
    "LeNet-5": LENET_5.model_copy(update={"optimizer": SGD, "batch_size": BATCH}),
    "LeNet-5-like": LENET_5_LIKE.model_copy(update={"optimizer": SGD, "batch_size": BATCH}),
}  # fmt: skip

OPTIMIZERS = [
    training.Adam(),
    training.Adam(amsgrad=True, clipnorm=0.01, weight_decay=0.01),
    training.AdamW(global_clipnorm=0.05),
    training.SGD(momentum=0.9, nesterov=True, clipvalue=0.001),
    training.SGD(momentum=0.5, weight_decay=0.1),
    training.RMSprop(momentum=0.3, rho=0.8),
    training.Adagrad(learning_rate=0.1),
]


def fast_network(spec: CNN, run: Run) -> cnn.FastNetwork:
    """The estimator with our own kernels."""
    estimator = cnn.build(spec, run)
    assert isinstance(estimator, cnn.FastNetwork)
    return estimator


def after_the_same_steps(spec, *, threads=1):
    """The weights of Keras' model and of the compiled one, after two whole batches and a smaller one."""
    run = a_run(side=28 if spec.layers[0].shape[0] == 32 else SIDE, threads=threads)
    stock, fast = stock_cnn.build(spec, run), fast_network(spec, run)
    stock.model.run_eagerly = True  # three steps take less time than tracing them
    images, labels = stock.prepare(run.dataset.train_images), run.dataset.train_labels.astype(np.int64)
    bytes_ = fast.prepare(run.dataset.train_images)
    order = RANDOM.permutation(len(images))
    sparse = spec.loss.name == "sparse_categorical_crossentropy"
    for batch in (order[:BATCH], order[BATCH : 2 * BATCH], order[-7:]):
        stock.model.train_on_batch(
            images[batch], labels[batch] if sparse else keras.utils.to_categorical(labels[batch], 10)
        )
        fast.network.train_on_batch(fast.to_nhwc(bytes_), labels, batch)
    fast.network.weights.store()
    return stock.model.get_weights(), fast.model.get_weights()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_steps_give_the_same_weights_as_keras(name):
    expected, found = after_the_same_steps(NETWORKS[name])

    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, abs=2e-5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_supported_optimizer_takes_the_same_steps_as_keras(optimizer):
    spec = network(layers.Dense(units=6, activation="tanh"), layers.Dense(units=10, activation="softmax"), shape=(64,))

    expected, found = after_the_same_steps(spec.model_copy(update={"optimizer": optimizer}))

    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, abs=2e-5)


def test_threads_that_share_a_batch_take_the_same_steps():
    expected, found = after_the_same_steps(NETWORKS["convolution"], threads=3)

    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, abs=2e-5)


def test_it_predicts_as_keras_does_with_the_trained_weights():
    run = a_run(threads=2)
    spec = network(
        conv(),
        image_layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(rate=0.5),
        layers.Dense(units=10, activation="softmax"),
    )
    fast = fast_network(spec, run)
    images, test_images = fast.prepare(run.dataset.train_images), fast.prepare(run.dataset.test_images)

    fast.fit(images, run.dataset.train_labels)

    assert (
        fast.predict(test_images) == fast.model.predict(fast.keras_inputs(test_images), verbose=0).argmax(axis=1)
    ).all()


def test_dropout_zeroes_its_rate_and_keeps_the_mean():
    values = np.ones(100_000, np.float32)
    out, mask = np.zeros_like(values), np.zeros_like(values)

    dense_kernels.dropout(values, out, mask, 0.3, 7)

    assert (out == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert out.mean() == pytest.approx(1, abs=0.01)
    again = np.zeros_like(out)
    dense_kernels.dropout(values, again, mask, 0.3, 8)
    assert ((out == 0) & (again == 0)).mean() == pytest.approx(0.09, abs=0.01)


def test_epochs_are_reported_with_keras_metrics():
    messages: list[dict[str, Any]] = []
    run = a_run(count=50, report=messages.append)
    fast = fast_network(network(*END, epochs=3, validation_split=0.3), run)

    fast.fit(fast.prepare(run.dataset.train_images), run.dataset.train_labels)

    assert [message["epoch"] for message in messages if "loss" in message] == [1, 2, 3]
    assert set(run.epochs[0]) == {"seconds", "loss", "accuracy", "val_loss", "val_accuracy"}
    assert run.first_step_s is not None
    fast.model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = fast.model.evaluate(
        fast.keras_inputs(fast.prepare(run.dataset.train_images)[35:]), run.dataset.train_labels[35:], verbose=0
    )
    assert run.epochs[-1]["val_loss"] == pytest.approx(loss, rel=1e-4)
    assert run.epochs[-1]["val_accuracy"] == pytest.approx(accuracy)


def test_training_stops_early_and_restores_the_best_weights():
    stopping = training.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
    diverging = network(
        *END, epochs=40, validation_split=0.3, early_stopping=stopping, optimizer=training.SGD(learning_rate=3.0)
    )
    run = a_run(count=60)
    fast = fast_network(diverging, run)
    images = fast.prepare(run.dataset.train_images)

    fast.fit(images, run.dataset.train_labels)

    losses = [epoch["val_loss"] for epoch in run.epochs]
    assert len(losses) == losses.index(min(losses)) + 3 < 40
    loss, _ = fast.network.evaluate(fast.to_nhwc(images[42:]), run.dataset.train_labels[42:].astype(np.int64))
    assert loss == pytest.approx(min(losses), rel=1e-5)


@pytest.mark.parametrize("name", ["convolution", "LeNet-5-like", "activations", "squared error"])
def test_prepared_bytes_convert_to_the_floats_that_keras_gets(name):
    spec = NETWORKS[name]
    run = a_run(side=28 if spec.layers[0].shape[0] == 32 else SIDE)
    stock, fast = stock_cnn.build(spec, run), fast_network(spec, run)

    prepared = fast.prepare(run.dataset.train_images)

    assert prepared.dtype == np.uint8
    assert (fast.keras_inputs(prepared) == stock.prepare(run.dataset.train_images)).all()


def test_a_warm_engine_has_compiled_every_kernel_for_read_only_bytes():
    cnn.warm.cache_clear()
    cnn.warm()
    kernels = [kernel for kernel in vars(image_kernels).values() if hasattr(kernel, "signatures")]
    before = [len(kernel.signatures) for kernel in kernels]
    assert before

    for name in ("LeNet-5", "LeNet-5-like", "convolution"):
        spec = NETWORKS[name]
        run = a_run(count=BATCH, side=28 if spec.layers[0].shape[0] == 32 else SIDE)
        run.dataset.train_images.flags.writeable = False
        fast = fast_network(spec.model_copy(update={"epochs": 1}), run)
        fast.fit(fast.prepare(run.dataset.train_images), run.dataset.train_labels)

    assert [len(kernel.signatures) for kernel in kernels] == before


def test_the_same_seed_gives_the_same_weights():
    found = []
    run = a_run(threads=2)
    for _ in range(2):
        fast = fast_network(network(conv(), layers.Dropout(rate=0.2), *END, epochs=2, batch_size=40, seed=4), run)
        fast.fit(fast.prepare(run.dataset.train_images), run.dataset.train_labels)
        found.append(fast.network.weights.flat)

    assert (found[0] == found[1]).all()


@pytest.mark.parametrize(
    "layer",
    [
        layers.BatchNormalization(),
        image_layers.DepthwiseConv2D(kernel_size=(3, 3)),
        layers.ELU(),
        conv(dilation_rate=(2, 2)),
    ],
)
def test_keras_trains_what_the_kernels_do_not_support_and_the_version_says_so(layer):
    run = a_run(count=2 * BATCH + 3)
    spec = network(layer, *END, epochs=2, batch_size=BATCH)
    estimator = cnn.build(spec, run)
    assert isinstance(estimator, cnn.MultiStepKerasNetwork)

    estimator.fit(estimator.prepare(run.dataset.train_images), run.dataset.train_labels)

    assert not supports(spec)
    assert "tensorflow" in estimator.libraries
    assert "a call" in estimator.remark
    assert len(run.epochs) == 2
    assert len(estimator.predict(estimator.prepare(run.dataset.test_images))) == 37


def test_dense_networks_and_both_lenets_are_supported():
    assert all(supports(spec) for spec in (LENET_5, LENET_5_LIKE, dense(512)))


def test_an_unsupported_optimizer_is_left_to_keras():
    assert not supports(network(*END, optimizer=training.Nadam()))
    assert not supports(network(*END, optimizer=training.Adam(use_ema=True)))


def test_a_network_of_many_filters_is_left_to_keras_which_is_as_fast():
    wide = network(conv(32), conv(64), *END, shape=(28, 28, 1))

    assert isinstance(cnn.build(wide, a_run(side=28)), cnn.MultiStepKerasNetwork)


def test_a_trainer_reports_the_same_facts_for_a_compiled_network_as_for_keras(trainer):
    spec = network(conv(8, activation="relu"), *END, optimizer=training.Adam(learning_rate=0.01), epochs=4)
    result = train(trainer, spec.model_dump(mode="json"), engine="accelerated", within=240)

    assert result["engine_version"].startswith("numba")
    assert result["public"]["correct"] > 0.8 * result["public"]["total"]
    assert result["parameters"] == 8 * 10 + 8 * 6 * 6 * 10 + 10
    losses = [epoch["loss"] or 0.0 for epoch in result["epochs"]]
    assert losses[0] > losses[-1] > 0
    assert 0 < (result["timing"]["first_step_s"] or 0.0) < result["timing"]["train_s"]
