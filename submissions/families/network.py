"""Networks: a Keras Sequential model with its compile and fit, convolutional or not."""

from __future__ import annotations

from typing import Literal

from submissions.notation.keras_reader import read
from submissions.notation.keras_writer import headline, write
from submissions.specs import image_layers, layers, training
from submissions.specs.families import Family, register
from submissions.specs.layer_types import AnyLayer
from submissions.specs.network import CNN
from submissions.specs.spec import described


def _lenet(size: int, activation: Literal["relu", "tanh"], *output: AnyLayer) -> tuple[AnyLayer, ...]:
    return (
        layers.Input(shape=(32, 32, 1)),
        image_layers.Conv2D(filters=6, kernel_size=(size, size), activation=activation),
        image_layers.AveragePooling2D(),
        image_layers.Conv2D(filters=16, kernel_size=(size, size), activation=activation),
        image_layers.AveragePooling2D(),
        layers.Flatten(),
        layers.Dense(units=120, activation=activation),
        layers.Dense(units=84, activation=activation),
        *output,
    )


def dense(width: int, *, pixels: int = 784) -> CNN:
    """The three-layer dense net with dropout, both hidden layers of this width."""
    hidden = layers.Dense(units=width, activation="relu")
    dropout = layers.Dropout(rate=0.5)
    output = layers.Dense(units=10, activation="softmax")
    return CNN(layers=(layers.Input(shape=(pixels,)), hidden, dropout, hidden, dropout, output))


LENET_5 = CNN(layers=_lenet(5, "tanh", layers.RBF()))
LENET_5_LIKE = CNN(layers=_lenet(3, "relu", layers.Dense(units=10, activation="softmax")))
# "Simple MNIST convnet" (F. Chollet, 2015), the first of Keras' code examples.
SIMPLE_CONVNET = CNN(
    layers=(
        layers.Input(shape=(28, 28, 1)),
        image_layers.Conv2D(filters=32, kernel_size=(3, 3), activation="relu"),
        image_layers.MaxPooling2D(),
        image_layers.Conv2D(filters=64, kernel_size=(3, 3), activation="relu"),
        image_layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(rate=0.5),
        layers.Dense(units=10, activation="softmax"),
    ),
    loss=training.Loss(name="categorical_crossentropy"),
    epochs=15,
    batch_size=128,
    validation_split=0.1,
)

SMALL_CONVNET = CNN(
    layers=(
        layers.Input(shape=(8, 8, 1)),
        image_layers.Conv2D(filters=32, kernel_size=(3, 3), activation="relu"),
        image_layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(rate=0.25),
        layers.Dense(units=10, activation="softmax"),
    ),
    epochs=15,
)

register(
    Family(
        name="cnn",
        label="Convolutional network",
        spec=CNN,
        constructor="Sequential",
        devices=("cpu", "gpu"),
        builder="workers.engines.keras.cnn:build",
        fixed_threads=True,
        help=described(CNN),
        presets={
            "LeNet-5": LENET_5,
            "LeNet-5-like": LENET_5_LIKE,
            "Keras’ simple convnet": SIMPLE_CONVNET,
            "Small convnet for 8×8": SMALL_CONVNET,
            "Dense net 512": dense(512),
            "Dense net 4096": dense(4096),
        },
        read=read,
        write=write,
        headline=headline,
    )
)
