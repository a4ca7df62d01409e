"""Networks by Keras on TensorFlow."""

from __future__ import annotations

import math
import os
import time
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from submissions.specs import layers
from submissions.specs.network import CNN
from workers.datasets.idx import Pixels
from workers.engines.keras import model as keras_model
from workers.engines.run import Estimator, Labels, Run, Values
from workers.processes.protocol import THREADS, Unfit

LIBRARIES = {"keras": keras.__version__, "tensorflow": tf.__version__}

CLASSES = 10


class NoGPU(Unfit):
    """A run for a GPU cannot be computed on one."""


class KerasNetwork(Estimator):
    """A Keras model, trained by `model.fit` on the run's device."""

    build = staticmethod(keras_model.build)

    def __init__(self, spec: CNN, run: Run) -> None:
        self.spec, self.run = spec, run
        self.threads = int(os.environ.get(THREADS) or run.threads)  # TensorFlow's, fixed when the trainer started
        keras.backend.clear_session()  # drop what the last run left in this process
        keras.utils.set_random_seed(run.seed_for(spec.seed))
        with self._device():
            self.model = self.build(spec)
        self.parameters = sum(math.prod(weight.shape) for weight in self.model.weights)
        if run.device == "gpu":
            _require_weights_on_gpu(self.model)

    def prepare(self, images: Pixels) -> Values:
        """(n_samples, height, width) uint8 as (n_samples, *input shape) float32.

        Pixels are scaled to 0–1, unless the network begins with Rescaling: then they stay as stored.
        """
        second = self.spec.layers[1]
        pixels = self.in_input_shape(images).astype(np.float32)
        if not isinstance(second, layers.Rescaling):
            pixels /= self.run.dataset.pixel_max
        return pixels

    def keras_inputs(self, images: Values) -> Values:
        """The input of the Keras model for prepared images: (n_samples, *input shape) float32."""
        return images

    def in_input_shape(self, images: Pixels) -> Pixels:
        """(n_samples, height, width) uint8 as (n_samples, *input shape) uint8, centred in zeros if that is larger."""
        shape = cast(layers.Input, self.spec.layers[0]).shape
        border = (shape[0] - images.shape[1]) // 2 if len(shape) == 3 else 0
        if border:
            images = np.pad(images, ((0, 0), (border, border), (border, border)))
        return images.reshape(len(images), *shape)

    def fit(self, images: Values, labels: Labels) -> None:
        """Train on prepared images and `labels`, (n_samples,) of 0–9."""
        sparse = self.spec.loss.name == "sparse_categorical_crossentropy"
        stopping = self.spec.early_stopping
        callbacks: list[keras.callbacks.Callback] = [ProgressCallback(self.run)]
        if stopping:
            callbacks.append(keras.callbacks.EarlyStopping(**stopping.model_dump()))
        with self._device():
            self.model.fit(
                images,
                labels if sparse else keras.utils.to_categorical(labels, CLASSES),
                epochs=self.spec.epochs,
                batch_size=self.spec.batch_size,
                validation_split=self.spec.validation_split,
                callbacks=callbacks,
                verbose=0,
            )

    def predict(self, images: Values) -> Labels:
        """The predicted digits of prepared images, (n_samples,) int64."""
        with self._device():
            predicted: Labels = self.model.predict(images, verbose=0).argmax(axis=1)
        return predicted

    def _device(self) -> AbstractContextManager[Any]:
        device: AbstractContextManager[Any] = tf.device("/GPU:0" if self.run.device == "gpu" else "/CPU:0")
        return device


class ProgressCallback(keras.callbacks.Callback):
    """Reports steps and epochs of `fit` to the run."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.epoch, self.began = 0, time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch, self.began = epoch, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.run.first_step_ended()
        epochs, steps = self.params["epochs"], self.params["steps"]
        done = (self.epoch + (batch + 1) / steps) / epochs
        if done < 1:
            self.run.progress("fit", done, epoch=self.epoch + 1, epochs=epochs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        seconds = time.monotonic() - self.began
        self.run.epoch_ended(epoch=epoch + 1, epochs=self.params["epochs"], seconds=seconds, **(logs or {}))


def _require_weights_on_gpu(model: keras.Model) -> None:
    """NoGPU if a weight is not on the GPU: TensorFlow falls back to the CPU without a word."""
    elsewhere = [weight.path for weight in model.weights if "GPU" not in weight.value.device]
    if elsewhere:
        raise NoGPU(f"This run is for a GPU, but {', '.join(elsewhere[:3])} is not on one.")


def require_device(run: Run) -> None:
    """NoGPU if the run is for a GPU and TensorFlow sees none."""
    if run.device == "gpu" and not tf.config.list_physical_devices("GPU"):
        raise NoGPU("This run is for a GPU, but TensorFlow sees none.")


def build(spec: CNN, run: Run) -> KerasNetwork:
    """The network, with first weights from the run's seed; NoGPU if it cannot be on the GPU that it is for."""
    require_device(run)
    return KerasNetwork(spec, run)


@cache
def warm() -> None:
    """Fit a network of one layer: TensorFlow sets up its threads and its compiler when it is first used."""
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    model.fit(np.zeros((32, 4), np.float32), np.zeros(32), verbose=0)
    model.predict(np.zeros((32, 4), np.float32), verbose=0)
