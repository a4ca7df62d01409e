"""Networks by kernels compiled for small images; and Keras itself, many steps a call, for what is unknown or too large.

Keras builds either: the first weights are those of `keras.utils.set_random_seed`, as in a notebook.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from math import floor

import keras
import numba
import numpy as np
from threadpoolctl import threadpool_limits

from submissions.specs import image_layers, layers, training
from submissions.specs.network import CNN
from workers.datasets.idx import Pixels
from workers.engines.compiling import one_at_a_time
from workers.engines.fast_cnn.composition import knows, multiplications
from workers.engines.fast_cnn.network import CompiledNetwork
from workers.engines.keras import cnn, model
from workers.engines.keras.cnn import Network
from workers.engines.run import Estimator, Labels, Run, Values

LIBRARIES = {"numba": numba.__version__, "keras": keras.__version__}

STEPS_PER_CALL = 32

# Multiplications of an image's convolutions from which on Keras is as fast: 16 and 32 filters of 3×3 on MNIST are 0.65
# million (5.7 s of one core an epoch here, 5.5 s there), 32 and 64 are 2.4 million (17 s here, 14 s there).
MOST_MULTIPLICATIONS = 1_000_000


class FastNetwork(Network):
    """Learns as `model.fit` does: a new order each epoch, a last batch that may be smaller, the last images aside.

    Images stay bytes, and without the border that the network may want, until their batch is gathered: as floats,
    MNIST takes longer to lay out than a class waits for.
    """

    build = staticmethod(model.build_weights)

    def __init__(self, spec: CNN, run: Run) -> None:
        super().__init__(spec, run)
        self.threads = run.threads
        scaled = 1 if isinstance(spec.layers[1], layers.Rescaling) else run.dataset.pixel_max
        self.brightness = np.arange(256, dtype=np.float32) / np.float32(scaled)
        self.network = CompiledNetwork(spec, self.model, brightness=self.brightness, threads=run.threads, seed=run.seed)

    def prepare(self, images: Pixels) -> Values:
        return _only_read(images)

    def floats(self, images: Values) -> Values:
        """What Keras' model takes for these."""
        return self.brightness[self.placed(images)]

    def fit(self, images: Values, labels: Labels) -> None:
        images, labels = self.laid(images), labels.astype(np.int64)
        learnt = floor(len(images) * (1 - self.spec.validation_split))
        stopping = self._stopping()
        stopping.on_train_begin()
        with threadpool_limits(1, "blas"):
            for epoch in range(1, self.spec.epochs + 1):
                figures = self._epoch(epoch, images, labels, learnt)
                self.network.weights.store()
                stopping.on_epoch_end(epoch - 1, figures)
                if self.model.stop_training:
                    break
        stopping.on_train_end()
        self.network.weights.load()

    def _epoch(self, epoch: int, images: Values, labels: Labels, learnt: int) -> dict[str, float]:
        began, epochs = time.monotonic(), self.spec.epochs
        steps = -(-learnt // self.spec.batch_size)

        def told(step: int) -> None:
            self.run.first_step_ended()
            done = (epoch - 1 + step / steps) / epochs
            if done < 1:
                self.run.progress("fit", done, epoch=epoch, epochs=epochs)

        loss, accuracy = self.network.epoch(images[:learnt], labels[:learnt], told)
        figures = {"accuracy": accuracy, "loss": loss}
        if learnt < len(images):
            val_loss, val_accuracy = self.network.judge(images[learnt:], labels[learnt:])
            figures |= {"val_accuracy": val_accuracy, "val_loss": val_loss}
        self.run.epoch_ended(epoch=epoch, epochs=epochs, seconds=time.monotonic() - began, **figures)
        return figures

    def _stopping(self) -> keras.callbacks.Callback:
        """Keras' own early stopping, which keeps the best weights in Keras' model."""
        self.model.stop_training = False
        if self.spec.early_stopping is None:
            return keras.callbacks.Callback()
        given = self.spec.early_stopping.model_dump()
        stopping = keras.callbacks.EarlyStopping(mode="max" if "accuracy" in given["monitor"] else "min", **given)
        stopping.set_model(self.model)
        return stopping

    def predict(self, images: Values) -> Labels:
        with threadpool_limits(1, "blas"):
            return self.network.predict(self.laid(images))

    def laid(self, images: Values) -> Values:
        """n × rows × columns × channels, whatever the network's input is; without its border."""
        flat = len(self.spec.layers[0].shape) == 1  # type: ignore[union-attr]
        return images.reshape(len(images), -1, 1, 1) if flat else images[..., None]


def _only_read(images: Values) -> Values:
    """As a data set is: for an array that may be written to, numba would compile kernels of another kind."""
    images = np.asarray(images).view()
    images.flags.writeable = False
    return images


def _warming() -> Iterator[CNN]:
    """Small networks that together use every kernel."""
    begin, dense = layers.Input(shape=(8, 8, 1)), layers.Dense(units=10)
    conv = image_layers.Conv2D(filters=2, kernel_size=(2, 2), activation="tanh")
    softmax = layers.ActivationLayer(activation="softmax")
    between = (
        conv, image_layers.MaxPooling2D(), conv, image_layers.AveragePooling2D(), layers.Flatten(),
        layers.Dropout(rate=0.5), layers.Dense(units=2, activation="relu"), layers.Dense(units=2, activation="sigmoid"),
    )  # fmt: skip
    yield CNN(layers=(begin, *between, dense))
    for optimizer in (training.Adam(amsgrad=True), training.SGD(), training.RMSprop(), training.Adagrad()):
        loss = training.Loss(name="mean_squared_error")
        yield CNN(layers=(begin, layers.Flatten(), dense, softmax), optimizer=optimizer, loss=loss)


@cache
def warm() -> None:
    """Compile the kernels, or find them compiled, by a step of small networks; and get TensorFlow ready."""
    cnn.warm()
    images, labels = _only_read(np.zeros((2, 8, 8, 1), np.uint8)), np.zeros(2, np.int64)
    black = np.zeros(256, np.float32)
    with one_at_a_time(__name__):
        for spec in _warming():
            network = CompiledNetwork(spec, model.build_weights(spec), brightness=black, threads=1, seed=0)
            network.learn(images, labels, np.arange(2))


class ManySteps(Network):
    """Keras, entered once for many steps."""

    libraries = cnn.LIBRARIES
    remark = f" ({STEPS_PER_CALL} steps a call)"

    def __init__(self, spec: CNN, run: Run) -> None:
        super().__init__(spec, run)
        self.model.steps_per_execution = STEPS_PER_CALL


def build(spec: CNN, run: Run) -> Estimator:
    if run.device == "cpu" and knows(spec) and multiplications(spec) <= MOST_MULTIPLICATIONS:
        return FastNetwork(spec, run)
    cnn.expect_device(run)
    return ManySteps(spec, run)
