"""A network over compiled kernels, trained data-parallel on the threads of one process.

A batch is cut into micro-batches that stay in the cache, and the threads take these in turn. Each thread has a replica:
arrays of its own for values and gradients, over weights that all share. Gradients are added up in a fixed order, so the
same seed on as many threads gives the same weights.

Images are NHWC, (n_samples, rows, columns, channels) uint8; labels are (n_samples,) int64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from math import ceil
from typing import Any, cast

import numpy as np

from submissions.specs import image_layers, layers
from submissions.specs.network import CNN
from workers.engines.fast_cnn import composition, dense_kernels, image_kernels
from workers.engines.fast_cnn.layers import layer_buffer
from workers.engines.fast_cnn.optimizer_kernels import optimizer_step
from workers.engines.fast_cnn.weights import FlatWeights
from workers.engines.run import Labels, Values

CLASSES = 10
MAX_CONV_MICRO_BATCH, MAX_DENSE_MICRO_BATCH = 32, 128  # images
MIN_MICRO_BATCH = 16  # a thread with fewer images would leave its vector instructions half empty

LossAndCorrect = tuple[float, int]  # the sum of the losses, and how many images were classified correctly


class Replica:
    """One thread's copy of the layers, for micro-batches of `n_images`, and the gradients that they compute.

    `pixel_values` is (256,) float32: what the network takes for each byte. `gradients` is (n_weights,) float32.
    """

    def __init__(
        self,
        spec: CNN,
        weights: FlatWeights,
        n_images: int,
        random: np.random.Generator,
        codes: Values,
        pixel_values: Values,
    ) -> None:
        self.n_images, self.pixel_values = n_images, pixel_values
        self.gradients = np.zeros_like(weights.flat)
        shape = cast(layers.Input, spec.layers[0]).shape
        self.images = layer_buffer((*shape, 1, 1)[:3] if len(shape) == 1 else shape, n_images)
        self.input = self.images.reshape(layer_buffer(shape, n_images).shape)
        compiled = composition.compile_layers(spec, weights, self.gradients, n_images, random, codes)
        self.layers, self.first_trainable = compiled
        squared = spec.loss.name == "mean_squared_error"
        self.loss_kernel = dense_kernels.squared_error if squared else dense_kernels.cross_entropy
        self.output_gradients = layer_buffer((CLASSES,), n_images)

    def compute_gradients(
        self, images: Values, labels: Labels, micro_batches: Sequence[Values], batch_size: int
    ) -> LossAndCorrect:
        """Set `gradients` to this replica's share of those of the mean loss of a batch of `batch_size` images.

        `micro_batches` are indices into `images` and `labels`; without any, all gradients are 0.
        """
        for layer in self.layers:
            layer.zero_gradients()
        if not micro_batches:
            self.gradients[:] = 0
        loss, correct = 0.0, 0
        for indices in micro_batches:
            more = self._loss(images, labels, indices, np.float32(1 / batch_size), training=True)
            loss, correct = loss + more[0], correct + more[1]
            gradients = self.output_gradients
            for layer in reversed(self.layers[self.first_trainable :]):
                gradients = layer.backward(gradients)
        return loss, correct

    def evaluate(self, images: Values, labels: Labels, micro_batches: Sequence[Values]) -> LossAndCorrect:
        """The sum of the losses of these micro-batches, without training, and how many images are correct."""
        results = [self._loss(images, labels, indices, np.float32(0), training=False) for indices in micro_batches]
        return sum(loss for loss, _ in results), sum(correct for _, correct in results)

    def predict(self, images: Values, micro_batches: Sequence[Values]) -> list[Values]:
        """The predicted classes, int64, of each micro-batch."""
        return [
            self._forward(images, indices, training=False)[:, : len(indices)].argmax(axis=0)
            for indices in micro_batches
        ]

    def _loss(self, images: Values, labels: Labels, indices: Values, weight: Any, *, training: bool) -> LossAndCorrect:
        """Loss and correct answers of one micro-batch; sets `output_gradients` to those of `weight` times the loss."""
        outputs = self._forward(images, indices, training=training)
        result: LossAndCorrect = self.loss_kernel(outputs, labels[indices], len(indices), weight, self.output_gradients)
        return result

    def _forward(self, images: Values, indices: Values, *, training: bool) -> Values:
        """The network's output, (classes, n_images) float32; a smaller micro-batch is filled up by repeating it."""
        filled = indices if len(indices) == self.n_images else np.resize(indices, self.n_images)
        image_kernels.gather_batch(images, filled, self.pixel_values, self.images)
        values = self.input
        with np.errstate(over="ignore", invalid="ignore"):  # the loss shows when training diverges
            for layer in self.layers:
                values = layer.forward(values, training)
        return values


class CompiledNetwork:
    """A supported network, with the first weights of `model`, a Keras model of the same spec.

    `pixel_values` is (256,) float32: what the network takes for each byte.
    """

    def __init__(self, spec: CNN, model: Any, *, pixel_values: Values, threads: int, seed: int) -> None:
        self.spec, self.weights, self.pixel_values = spec, FlatWeights(model), pixel_values
        self.random = np.random.default_rng(seed)
        self.codes = model.layers[-1].codes.numpy() if isinstance(spec.layers[-1], layers.RBF) else np.zeros((0, 0))
        max_micro_batch = MAX_CONV_MICRO_BATCH if _has_image_layers(spec) else MAX_DENSE_MICRO_BATCH
        count = min(threads, ceil(spec.batch_size / MIN_MICRO_BATCH))
        micro_batches = count * ceil(spec.batch_size / (count * max_micro_batch))
        self.training_replicas = self._replicas(ceil(spec.batch_size / micro_batches), count)
        self.inference_replicas = self._replicas(max_micro_batch, threads)
        self.pool = ThreadPoolExecutor(max(threads - 1, 1))
        self.apply_gradients = optimizer_step(spec.optimizer, self.weights.slices, self.weights.flat.size)

    def _replicas(self, n_images: int, count: int) -> list[Replica]:
        streams = self.random.spawn(count)
        return [Replica(self.spec, self.weights, n_images, stream, self.codes, self.pixel_values) for stream in streams]

    def train_epoch(self, images: Values, labels: Labels, on_step_end: Callable[[int], None]) -> tuple[float, float]:
        """(mean loss, accuracy) of one pass over the images in a new order; `on_step_end` gets the step, from 1."""
        order, size = self.random.permutation(len(images)), self.spec.batch_size
        loss, correct = 0.0, 0
        for step, start in enumerate(range(0, len(order), size), start=1):
            more = self.train_on_batch(images, labels, order[start : start + size])
            loss, correct = loss + more[0], correct + more[1]
            on_step_end(step)
        return loss / len(images), correct / len(images)

    def train_on_batch(self, images: Values, labels: Labels, batch: Values) -> LossAndCorrect:
        """One optimizer step on the images at the indices `batch`, (n,) int64; with their loss before the step."""
        results = self._run_replicas(
            self.training_replicas,
            batch,
            lambda replica, micro_batches: replica.compute_gradients(images, labels, micro_batches, len(batch)),
        )
        gradients = self.training_replicas[0].gradients
        for replica in self.training_replicas[1:]:
            gradients += replica.gradients
        self.apply_gradients(self.weights.flat, gradients)
        return sum(loss for loss, _ in results), sum(correct for _, correct in results)

    def evaluate(self, images: Values, labels: Labels) -> tuple[float, float]:
        """(mean loss, accuracy) on these images, without training."""
        everything = np.arange(len(images))
        results = self._run_replicas(
            self.inference_replicas,
            everything,
            lambda replica, micro_batches: replica.evaluate(images, labels, micro_batches),
        )
        return sum(loss for loss, _ in results) / len(images), sum(correct for _, correct in results) / len(images)

    def predict(self, images: Values) -> Labels:
        """The predicted classes, (n_samples,) int64."""
        everything = np.arange(len(images))
        parts = self._run_replicas(
            self.inference_replicas, everything, lambda replica, micro_batches: replica.predict(images, micro_batches)
        )
        in_order = [part for round_ in zip_longest(*parts) for part in round_ if part is not None]
        return np.concatenate(in_order)

    def _run_replicas(
        self, replicas: Sequence[Replica], indices: Values, act: Callable[[Replica, Sequence[Values]], Any]
    ) -> list[Any]:
        """The results of `act` for each replica, which takes every len(replicas)-th micro-batch of `indices`.

        The first replica works on the calling thread.
        """
        n_images = replicas[0].n_images
        micro_batches = [indices[start : start + n_images] for start in range(0, len(indices), n_images)]
        others = [
            self.pool.submit(act, replica, micro_batches[i :: len(replicas)]) for i, replica in enumerate(replicas) if i
        ]
        first = act(replicas[0], micro_batches[:: len(replicas)])
        return [first, *(other.result() for other in others)]


def _has_image_layers(spec: CNN) -> bool:
    return any(isinstance(layer, image_layers.ImageLayer) for layer in spec.layers)
