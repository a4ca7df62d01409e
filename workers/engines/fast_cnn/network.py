"""A network over compiled kernels: a batch is shared out among threads, in pieces that stay in the cache.

A thread has arrays of its own for what it computes; the weights are everybody's. Slopes are added up in a fixed order,
so that the same seed on as many threads gives the same weights.
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
from workers.engines.fast_cnn.layers import blank
from workers.engines.fast_cnn.optimizer_kernels import optimizer_step
from workers.engines.fast_cnn.weights import Weights
from workers.engines.run import Labels, Values

CLASSES = 10
LANES_OF_IMAGES, LANES_OF_UNITS = 32, 128  # images a piece, at most
FEWEST_LANES = 16  # a thread with fewer images would leave its vector instructions half empty

Counted = tuple[float, int]  # the sum of the losses, and how many answers were right


class Share:
    """One thread's part: the layers over arrays for `lanes` images, and the gradients that they give."""

    def __init__(
        self,
        spec: CNN,
        weights: Weights,
        lanes: int,
        random: np.random.Generator,
        codes: Values,
        brightness: Values,
    ) -> None:
        self.lanes, self.brightness = lanes, brightness
        self.gradients = np.zeros_like(weights.flat)
        shape = cast(layers.Input, spec.layers[0]).shape
        self.images = blank((*shape, 1, 1)[:3] if len(shape) == 1 else shape, lanes)
        self.input = self.images.reshape(blank(shape, lanes).shape)
        composed = composition.layers_of(spec, weights, self.gradients, lanes, random, codes)
        self.layers, self.fixed = composed
        squared = spec.loss.name == "mean_squared_error"
        self.compare = dense_kernels.squared_error if squared else dense_kernels.cross_entropy
        self.output_gradients = blank((CLASSES,), lanes)

    def learn(self, images: Values, labels: Labels, pieces: Sequence[Values], batch: int) -> Counted:
        """Slopes of the mean loss of a batch of which `pieces` are images; none: all gradients are 0."""
        for layer in self.layers:
            layer.begin()
        if not pieces:
            self.gradients[:] = 0
        loss, right = 0.0, 0
        for piece in pieces:
            more = self._compare(images, labels, piece, np.float32(1 / batch), training=True)
            loss, right = loss + more[0], right + more[1]
            gradients = self.output_gradients
            for layer in reversed(self.layers[self.fixed :]):
                gradients = layer.backward(gradients)
        return loss, right

    def judge(self, images: Values, labels: Labels, pieces: Sequence[Values]) -> Counted:
        counted = [self._compare(images, labels, piece, np.float32(0), training=False) for piece in pieces]
        return sum(loss for loss, _ in counted), sum(right for _, right in counted)

    def answer(self, images: Values, pieces: Sequence[Values]) -> list[Values]:
        return [self._forward(images, piece, training=False)[:, : len(piece)].argmax(axis=0) for piece in pieces]

    def _compare(self, images: Values, labels: Labels, piece: Values, share: Any, *, training: bool) -> Counted:
        outputs = self._forward(images, piece, training=training)
        counted: Counted = self.compare(outputs, labels[piece], len(piece), share, self.output_gradients)
        return counted

    def _forward(self, images: Values, piece: Values, *, training: bool) -> Values:
        chosen = piece if len(piece) == self.lanes else np.resize(piece, self.lanes)
        image_kernels.gather(images, chosen, self.brightness, self.images)
        values = self.input
        with np.errstate(over="ignore", invalid="ignore"):  # a training that diverges is told by its loss
            for layer in self.layers:
                values = layer.forward(values, training)
        return values


class CompiledNetwork:
    """`model` is Keras', with the weights to begin with; images are bytes, which mean 256 kinds of `brightness`."""

    def __init__(self, spec: CNN, model: Any, *, brightness: Values, threads: int, seed: int) -> None:
        self.spec, self.weights, self.brightness = spec, Weights(model), brightness
        self.random = np.random.default_rng(seed)
        self.codes = model.layers[-1].codes.numpy() if isinstance(spec.layers[-1], layers.RBF) else np.zeros((0, 0))
        most = LANES_OF_IMAGES if _convolves(spec) else LANES_OF_UNITS
        count = min(threads, ceil(spec.batch_size / FEWEST_LANES))
        pieces = count * ceil(spec.batch_size / (count * most))
        self.learners = self._shares(ceil(spec.batch_size / pieces), count)
        self.readers = self._shares(most, threads)
        self.pool = ThreadPoolExecutor(max(threads - 1, 1))
        self.move = optimizer_step(spec.optimizer, self.weights.places, self.weights.flat.size)

    def _shares(self, lanes: int, count: int) -> list[Share]:
        streams = self.random.spawn(count)
        return [Share(self.spec, self.weights, lanes, stream, self.codes, self.brightness) for stream in streams]

    def epoch(self, images: Values, labels: Labels, told: Callable[[int], None]) -> tuple[float, float]:
        """(loss, accuracy) of one pass in a new order; `told` hears of each step that is done, counted from 1."""
        order, size = self.random.permutation(len(images)), self.spec.batch_size
        loss, right = 0.0, 0
        for step, start in enumerate(range(0, len(order), size), start=1):
            more = self.learn(images, labels, order[start : start + size])
            loss, right = loss + more[0], right + more[1]
            told(step)
        return loss / len(images), right / len(images)

    def learn(self, images: Values, labels: Labels, batch: Values) -> Counted:
        """One step, by the images of these numbers."""
        counted = self._shared(
            self.learners, batch, lambda share, pieces: share.learn(images, labels, pieces, len(batch))
        )
        gradients = self.learners[0].gradients
        for share in self.learners[1:]:
            gradients += share.gradients
        self.move(self.weights.flat, gradients)
        return sum(loss for loss, _ in counted), sum(right for _, right in counted)

    def judge(self, images: Values, labels: Labels) -> tuple[float, float]:
        """(loss, accuracy) of images that are not learnt from."""
        everything = np.arange(len(images))
        counted = self._shared(self.readers, everything, lambda share, pieces: share.judge(images, labels, pieces))
        return sum(loss for loss, _ in counted) / len(images), sum(right for _, right in counted) / len(images)

    def predict(self, images: Values) -> Labels:
        everything = np.arange(len(images))
        parts = self._shared(self.readers, everything, lambda share, pieces: share.answer(images, pieces))
        in_order = [piece for round_ in zip_longest(*parts) for piece in round_ if piece is not None]
        return np.concatenate(in_order)

    def _shared(
        self, shares: Sequence[Share], chosen: Values, act: Callable[[Share, Sequence[Values]], Any]
    ) -> list[Any]:
        """What `act` gives for each share; piece by piece, they take turns. The first works on this thread."""
        lanes = shares[0].lanes
        pieces = [chosen[start : start + lanes] for start in range(0, len(chosen), lanes)]
        others = [
            self.pool.submit(act, share, pieces[place :: len(shares)]) for place, share in enumerate(shares) if place
        ]
        first = act(shares[0], pieces[:: len(shares)])
        return [first, *(other.result() for other in others)]


def _convolves(spec: CNN) -> bool:
    return any(isinstance(layer, image_layers.ImageLayer) for layer in spec.layers)
