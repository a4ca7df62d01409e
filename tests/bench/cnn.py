"""Networks: LeNet-5-like, and the simple MNIST convnet of Keras' own examples, against plain `model.fit`."""

from __future__ import annotations

from collections.abc import Iterator

from submissions.families.network import LENET_5_LIKE
from submissions.specs.image_layers import Conv2D, MaxPooling2D
from submissions.specs.layers import Dense, Dropout, Flatten, Input
from submissions.specs.network import CNN
from submissions.specs.training import Loss
from tests.bench.contest import Bench, Contest, Peer, run_contest
from tests.bench.rows import Row, Target

FIT = "Keras, model.fit"
SEEDS = 5  # for the accuracies of LeNet-5-like

# https://keras.io/examples/vision/mnist_convnet/
SIMPLE_CONVNET = CNN(
    layers=(
        Input(shape=(28, 28, 1)),
        Conv2D(filters=32, kernel_size=(3, 3), activation="relu"),
        MaxPooling2D(),
        Conv2D(filters=64, kernel_size=(3, 3), activation="relu"),
        MaxPooling2D(),
        Flatten(),
        Dropout(rate=0.5),
        Dense(units=10, activation="softmax"),
    ),
    loss=Loss(name="categorical_crossentropy"),
    epochs=2,
    batch_size=128,
    validation_split=0.1,
)


def rows(bench: Bench) -> Iterator[Row]:
    for contest in contests(quick=bench.quick):
        yield from run_contest(contest, bench)


def contests(*, quick: bool) -> Iterator[Contest]:
    """Whole runs on both sides, of few epochs: all epochs after the first are alike."""
    like = with_epochs(LENET_5_LIKE, 2 if quick else 3)
    yield _against_fit("LeNet-5-like", like, Target(ratio=1.5), seeds=1 if quick else SEEDS)
    if not quick:
        yield _against_fit("Keras' simple MNIST convnet", with_epochs(SIMPLE_CONVNET, 1), seeds=3)


def with_epochs(spec: CNN, epochs: int) -> CNN:
    return spec.model_copy(update={"epochs": epochs})


def _against_fit(name: str, spec: CNN, target: Target | None = None, *, seeds: int) -> Contest:
    peer = Peer(label=FIT, spec=spec, target=target)
    epochs = f"{spec.epochs} epoch{'s' if spec.epochs > 1 else ''}"
    return Contest(name=f"{name}, {epochs}", spec=spec, peers=(peer,), seeds=seeds)
