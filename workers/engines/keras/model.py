"""A network's spec as a Keras model."""

from __future__ import annotations

from typing import Any, cast

import keras
import numpy as np

from submissions.specs import layers
from submissions.specs.network import CNN
from submissions.specs.training import Loss

CODES_SEED = 1998  # fixed: the codes of LeNet-5's output are part of the network, not of a run


@keras.saving.register_keras_serializable("quest")
class RBFLayer(keras.layers.Layer):
    """LeNet-5's output: logits −‖x−w‖²/2 for fixed codes w of ±1, a column of `codes` for each class.

    LeCun et al., 1998, equation 7, halved as a Gaussian's exponent. Inputs are (n_samples, features) float32, logits
    (n_samples, units), and `codes` is (features, units).
    """

    def __init__(self, units: int = 10, **options: Any) -> None:
        super().__init__(**{"name": "rbf"} | options)  # as specs call it; a model has one at most
        self.units = units

    def build(self, input_shape: tuple[int, ...]) -> None:
        codes = np.random.default_rng(CODES_SEED).choice([-1.0, 1.0], (input_shape[-1], self.units))
        fixed = keras.initializers.Constant(codes)
        self.codes = self.add_weight(shape=codes.shape, initializer=fixed, trainable=False, name="codes")

    def call(self, inputs: Any) -> Any:
        """(n_samples, features) → (n_samples, units)."""
        # ‖x−w‖² = ‖x‖² − 2x·w + ‖w‖², and ‖w‖² of a ±1 code is the number of its features.
        lengths = keras.ops.sum(keras.ops.square(inputs), axis=-1, keepdims=True)
        return keras.ops.matmul(inputs, self.codes) - (lengths + inputs.shape[-1]) / 2

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


def build(spec: CNN) -> keras.Model:
    """The model, compiled for training; its first weights follow from `keras.utils.set_random_seed`."""
    keras.config.set_dtype_policy(spec.precision)
    model = keras.Sequential([_layer(layer) for layer in spec.layers])
    optimizer = getattr(keras.optimizers, spec.optimizer.CLASS)(**spec.optimizer.arguments())
    model.compile(optimizer=optimizer, loss=_loss(spec.loss), metrics=["accuracy"])
    return model


def build_weights(spec: CNN) -> keras.Model:
    """A model with the same first weights in less time: not compiled, and its layers not connected until it predicts.

    Only for layers that can compute the shape of their output without being traced.
    """
    keras.config.set_dtype_policy(spec.precision)
    first, *others = spec.layers
    built = [_layer(layer) for layer in others]
    shape = (None, *cast(layers.Input, first).shape)
    for layer in built:
        layer.build(shape)
        shape = layer.compute_output_shape(shape)
    return keras.Sequential(built)


def _layer(layer: layers.Layer) -> keras.layers.Layer:
    constructor = RBFLayer if isinstance(layer, layers.RBF) else getattr(keras.layers, layer.kind)
    return cast(keras.layers.Layer, constructor(**layer.arguments()))


def _loss(loss: Loss) -> keras.losses.Loss:
    if loss.name == "mean_squared_error":
        return keras.losses.MeanSquaredError()
    if loss.name == "categorical_crossentropy":
        return keras.losses.CategoricalCrossentropy(from_logits=loss.from_logits)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=loss.from_logits)
