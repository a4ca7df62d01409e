"""Networks on the accelerated engine: by compiled kernels where these are faster, otherwise by Keras in larger calls.

Keras builds both, so the first weights follow from `keras.utils.set_random_seed`, as in a notebook.
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
from workers.engines.compile_lock import compile_lock
from workers.engines.fast_cnn.composition import convolution_multiplications, supports
from workers.engines.fast_cnn.network import CompiledNetwork
from workers.engines.keras import cnn, model
from workers.engines.keras.cnn import KerasNetwork
from workers.engines.run import Estimator, Labels, Run, Values

LIBRARIES = {"numba": numba.__version__, "keras": keras.__version__}

STEPS_PER_CALL = 32

# With more multiplications in the convolutions of an image, Keras is as fast. Measured on MNIST with 3×3 filters, one
# core: with 16 and 32 filters, 0.65 million, an epoch takes 5.7 s by the kernels and 5.5 s by Keras; with 32 and 64
# filters, 2.4 million, 17 s and 14 s.
MAX_MULTIPLICATIONS = 1_000_000


class FastNetwork(KerasNetwork):
    """Trains a `CompiledNetwork` by the rules of `model.fit`.

    Each epoch has a new order, the last batch may be smaller, and the last images are set aside for validation.

    Images stay bytes, without the border that the network may need, until their batch is gathered: converting all of
    MNIST to floats first takes longer than a class would wait.
    """

    build = staticmethod(model.build_weights)

    def __init__(self, spec: CNN, run: Run) -> None:
        super().__init__(spec, run)
        self.threads = run.threads
        white = 1 if isinstance(spec.layers[1], layers.Rescaling) else run.dataset.pixel_max
        self.pixel_values = np.arange(256, dtype=np.float32) / np.float32(white)
        self.network = CompiledNetwork(
            spec, self.model, pixel_values=self.pixel_values, threads=run.threads, seed=run.seed
        )

    def prepare(self, images: Pixels) -> Values:
        """`images`, (n_samples, height, width) uint8, as they are."""
        return _read_only(images)

    def keras_inputs(self, images: Values) -> Values:
        """The input of the Keras model for prepared images: (n_samples, *input shape) float32."""
        return self.pixel_values[self.in_input_shape(images)]

    def fit(self, images: Values, labels: Labels) -> None:
        """Train on prepared images and `labels`, (n_samples,); the Keras model has the weights after each epoch."""
        images, labels = self.to_nhwc(images), labels.astype(np.int64)
        n_train = floor(len(images) * (1 - self.spec.validation_split))
        stopping = self._early_stopping()
        stopping.on_train_begin()
        with threadpool_limits(1, "blas"):
            for epoch in range(1, self.spec.epochs + 1):
                metrics = self._train_epoch(epoch, images, labels, n_train)
                self.network.weights.store()
                stopping.on_epoch_end(epoch - 1, metrics)
                if self.model.stop_training:
                    break
        stopping.on_train_end()
        self.network.weights.load()

    def _train_epoch(self, epoch: int, images: Values, labels: Labels, n_train: int) -> dict[str, float]:
        """Train on the first `n_train` images, validate on the others, and report the metrics, named as Keras' logs."""
        began, epochs = time.monotonic(), self.spec.epochs
        steps = -(-n_train // self.spec.batch_size)

        def on_step_end(step: int) -> None:
            self.run.first_step_ended()
            done = (epoch - 1 + step / steps) / epochs
            if done < 1:
                self.run.progress("fit", done, epoch=epoch, epochs=epochs)

        loss, accuracy = self.network.train_epoch(images[:n_train], labels[:n_train], on_step_end)
        metrics = {"accuracy": accuracy, "loss": loss}
        if n_train < len(images):
            val_loss, val_accuracy = self.network.evaluate(images[n_train:], labels[n_train:])
            metrics |= {"val_accuracy": val_accuracy, "val_loss": val_loss}
        self.run.epoch_ended(epoch=epoch, epochs=epochs, seconds=time.monotonic() - began, **metrics)
        return metrics

    def _early_stopping(self) -> keras.callbacks.Callback:
        """Keras' own callback, which keeps the best weights in the Keras model; one that does nothing without it."""
        self.model.stop_training = False
        if self.spec.early_stopping is None:
            return keras.callbacks.Callback()
        options = self.spec.early_stopping.model_dump()
        stopping = keras.callbacks.EarlyStopping(mode="max" if "accuracy" in options["monitor"] else "min", **options)
        stopping.set_model(self.model)
        return stopping

    def predict(self, images: Values) -> Labels:
        """The predicted digits of prepared images, (n_samples,) int64."""
        with threadpool_limits(1, "blas"):
            return self.network.predict(self.to_nhwc(images))

    def to_nhwc(self, images: Values) -> Values:
        """Prepared images as (n_samples, rows, columns, 1) uint8; a flat input has one pixel a row."""
        flat = len(self.spec.layers[0].shape) == 1  # type: ignore[union-attr]
        return images.reshape(len(images), -1, 1, 1) if flat else images[..., None]


def _read_only(images: Values) -> Values:
    """A read-only view, as a data set's arrays are: for writable ones numba would compile all kernels once more."""
    images = np.asarray(images).view()
    images.flags.writeable = False
    return images


def _specs_that_use_every_kernel() -> Iterator[CNN]:
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
    """Compile every kernel, or load it from numba's cache, by training small networks for a step; start TensorFlow."""
    cnn.warm()
    images, labels = _read_only(np.zeros((2, 8, 8, 1), np.uint8)), np.zeros(2, np.int64)
    black = np.zeros(256, np.float32)
    with compile_lock(__name__):
        for spec in _specs_that_use_every_kernel():
            network = CompiledNetwork(spec, model.build_weights(spec), pixel_values=black, threads=1, seed=0)
            network.train_on_batch(images, labels, np.arange(2))


class MultiStepKerasNetwork(KerasNetwork):
    """Keras with `steps_per_execution`: one call from Python runs many steps."""

    libraries = cnn.LIBRARIES
    remark = f" ({STEPS_PER_CALL} steps a call)"

    def __init__(self, spec: CNN, run: Run) -> None:
        super().__init__(spec, run)
        self.model.steps_per_execution = STEPS_PER_CALL


def build(spec: CNN, run: Run) -> Estimator:
    """The faster estimator for the network; NoGPU if the run is for a GPU that TensorFlow does not see."""
    if run.device == "cpu" and supports(spec) and convolution_multiplications(spec) <= MAX_MULTIPLICATIONS:
        return FastNetwork(spec, run)
    cnn.require_device(run)
    return MultiStepKerasNetwork(spec, run)
