"""The layers of a network: their parameters as in Keras, and the output shape for an input shape.

Shapes leave out the batch: (height, width, channels), or (units,).
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import pydantic
from pydantic import Field

Shape = tuple[int, ...]

Activation = Literal[
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish", "tanh", "sigmoid", "softmax",
    "softplus", "softsign", "exponential", "linear", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
    "hard_shrink", "soft_shrink", "tanh_shrink", "log_sigmoid", "log_softmax", "squareplus", "sparse_plus",
    "sparse_sigmoid", "sparsemax",
]  # fmt: skip

Initializer = Literal[
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
    "random_uniform", "random_normal", "truncated_normal", "zeros", "ones",
]  # fmt: skip

Rate = Annotated[float, Field(ge=0, lt=1)]
DropoutSeed = Annotated[int, Field(ge=0, le=2**31 - 1)]


MAX_UNITS = 16_384


class ShapeMismatch(ValueError):
    """A layer cannot take its input's shape."""


class LayerOutput(NamedTuple):
    """The shape of a layer's output, and the numbers of its trainable and fixed parameters."""

    shape: Shape
    trainable: int = 0
    fixed: int = 0


class Layer(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    kind: str
    # Keras' order of positional arguments, including those without a field here.
    POSITIONAL: ClassVar[tuple[str, ...]] = ()

    def build(self, shape: Shape) -> LayerOutput:
        """The output for an input of this shape; ShapeMismatch if the layer cannot take it."""
        return LayerOutput(shape)

    def arguments(self) -> dict[str, Any]:
        """The parameters as the constructor takes them."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "kind"}


class Input(Layer):
    kind: Literal["Input"] = "Input"
    shape: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(min_length=1, max_length=3)]
    POSITIONAL = ("shape", "batch_size", "dtype")

    def build(self, shape: Shape) -> LayerOutput:
        raise ShapeMismatch("Input must be the first layer, and only that.")


class Flatten(Layer):
    kind: Literal["Flatten"] = "Flatten"
    POSITIONAL = ("data_format",)

    def build(self, shape: Shape) -> LayerOutput:
        return LayerOutput((prod(shape),))


class Dense(Layer):
    kind: Literal["Dense"] = "Dense"
    units: Annotated[int, Field(ge=1, le=MAX_UNITS)]
    activation: Activation | None = None
    use_bias: bool = True
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    POSITIONAL = ("units", "activation", "use_bias", "kernel_initializer", "bias_initializer")

    def build(self, shape: Shape) -> LayerOutput:
        return LayerOutput((*shape[:-1], self.units), shape[-1] * self.units + self.use_bias * self.units)


class Dropout(Layer):
    kind: Literal["Dropout"] = "Dropout"
    rate: Rate
    seed: DropoutSeed | None = None
    POSITIONAL = ("rate", "noise_shape", "seed")


class BatchNormalization(Layer):
    kind: Literal["BatchNormalization"] = "BatchNormalization"
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.99
    epsilon: Annotated[float, Field(gt=0)] = 0.001
    center: bool = True
    scale: bool = True
    POSITIONAL = ("axis", "momentum", "epsilon", "center", "scale")

    def build(self, shape: Shape) -> LayerOutput:
        return LayerOutput(shape, (self.center + self.scale) * shape[-1], 2 * shape[-1])


class ActivationLayer(Layer):
    kind: Literal["Activation"] = "Activation"
    activation: Activation
    POSITIONAL = ("activation",)


class ReLU(Layer):
    kind: Literal["ReLU"] = "ReLU"
    max_value: Annotated[float, Field(ge=0)] | None = None
    negative_slope: Annotated[float, Field(ge=0)] = 0.0
    threshold: Annotated[float, Field(ge=0)] = 0.0
    POSITIONAL = ("max_value", "negative_slope", "threshold")


class LeakyReLU(Layer):
    kind: Literal["LeakyReLU"] = "LeakyReLU"
    negative_slope: Annotated[float, Field(ge=0)] = 0.3
    POSITIONAL = ("negative_slope",)


class ELU(Layer):
    kind: Literal["ELU"] = "ELU"
    alpha: Annotated[float, Field(gt=0)] = 1.0
    POSITIONAL = ("alpha",)


class Rescaling(Layer):
    kind: Literal["Rescaling"] = "Rescaling"
    scale: float
    offset: float = 0.0
    POSITIONAL = ("scale", "offset")


class RBF(Layer):
    """LeNet-5's output: logits −‖x−w‖²/2 for fixed codes w of ±1, one for each class (LeCun et al., 1998)."""

    kind: Literal["RBF"] = "RBF"
    units: Literal[10] = 10
    POSITIONAL = ("units",)

    def build(self, shape: Shape) -> LayerOutput:
        if len(shape) != 1:
            raise ShapeMismatch(f"RBF takes one-dimensional input, not {shape}: put Flatten before it.")
        return LayerOutput((self.units,), fixed=shape[0] * self.units)
