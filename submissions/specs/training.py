"""How a network is trained: optimizers, losses and early stopping, with Keras' names and values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, get_args

import pydantic
from pydantic import Field

from submissions.specs.parameters import Count, NotNegative, Positive

_Decay = Annotated[float, Field(ge=0, lt=1)]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Optimizer(_Part):
    name: str
    learning_rate: Annotated[float, Field(gt=0, le=1000)] = Field(0.001, description="step size")
    weight_decay: NotNegative | None = None
    clipnorm: Positive | None = None
    clipvalue: Positive | None = None
    global_clipnorm: Positive | None = None
    use_ema: bool = False
    ema_momentum: Annotated[float, Field(ge=0, le=1)] = 0.99
    ema_overwrite_frequency: Count | None = None
    # The optimizer's class in Keras, and the order of its positional arguments.
    CLASS: ClassVar[str] = ""
    POSITIONAL: ClassVar[tuple[str, ...]] = ()

    def arguments(self) -> dict[str, Any]:
        """The parameters as the constructor takes them."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "name"}

    def conflicts(self) -> Iterator[tuple[str, str]]:
        clips = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, name) is not None]
        if len(clips) > 1:
            yield f"optimizer.{clips[1]}", f"Keras takes only one of {' and '.join(clips)}."


class Adam(Optimizer):
    name: Literal["adam"] = "adam"
    beta_1: _Decay = 0.9
    beta_2: _Decay = 0.999
    epsilon: Positive = 1e-7
    amsgrad: bool = False
    CLASS = "Adam"
    POSITIONAL = ("learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad")


class AdamW(Optimizer):
    name: Literal["adamw"] = "adamw"
    weight_decay: NotNegative | None = 0.004
    beta_1: _Decay = 0.9
    beta_2: _Decay = 0.999
    epsilon: Positive = 1e-7
    amsgrad: bool = False
    CLASS = "AdamW"
    POSITIONAL = ("learning_rate", "weight_decay", "beta_1", "beta_2", "epsilon", "amsgrad")

    def conflicts(self) -> Iterator[tuple[str, str]]:
        yield from super().conflicts()
        if self.weight_decay is None:
            yield "optimizer.weight_decay", "AdamW needs a number: without weight decay, use Adam."


class Nadam(Optimizer):
    name: Literal["nadam"] = "nadam"
    beta_1: _Decay = 0.9
    beta_2: _Decay = 0.999
    epsilon: Positive = 1e-7
    CLASS = "Nadam"
    POSITIONAL = ("learning_rate", "beta_1", "beta_2", "epsilon")


class Adamax(Optimizer):
    name: Literal["adamax"] = "adamax"
    beta_1: _Decay = 0.9
    beta_2: _Decay = 0.999
    epsilon: Positive = 1e-7
    CLASS = "Adamax"
    POSITIONAL = ("learning_rate", "beta_1", "beta_2", "epsilon")


class SGD(Optimizer):
    name: Literal["sgd"] = "sgd"
    learning_rate: Annotated[float, Field(gt=0, le=1000)] = 0.01
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.0
    nesterov: bool = False
    CLASS = "SGD"
    POSITIONAL = ("learning_rate", "momentum", "nesterov")


class RMSprop(Optimizer):
    name: Literal["rmsprop"] = "rmsprop"
    rho: _Decay = 0.9
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.0
    epsilon: Positive = 1e-7
    centered: bool = False
    CLASS = "RMSprop"
    POSITIONAL = ("learning_rate", "rho", "momentum", "epsilon", "centered")


class Adagrad(Optimizer):
    name: Literal["adagrad"] = "adagrad"
    initial_accumulator_value: NotNegative = 0.1
    epsilon: Positive = 1e-7
    CLASS = "Adagrad"
    POSITIONAL = ("learning_rate", "initial_accumulator_value", "epsilon")


class Adadelta(Optimizer):
    name: Literal["adadelta"] = "adadelta"
    rho: _Decay = 0.95
    epsilon: Positive = 1e-7
    CLASS = "Adadelta"
    POSITIONAL = ("learning_rate", "rho", "epsilon")


AnyOptimizer = Annotated[
    Adam | SGD | RMSprop | Adagrad | Adadelta | AdamW | Nadam | Adamax, Field(discriminator="name")
]
OPTIMIZERS: dict[str, type[Optimizer]] = {
    str(kind.model_fields["name"].default): kind for kind in get_args(get_args(AnyOptimizer)[0])
}


class Loss(_Part):
    """The loss; `from_logits` is True if the last layer outputs logits, not probabilities."""

    name: Literal["sparse_categorical_crossentropy", "categorical_crossentropy", "mean_squared_error"] = (
        "sparse_categorical_crossentropy"
    )
    from_logits: bool = Field(False, description="whether the last layer outputs logits, not probabilities")


class EarlyStopping(_Part):
    monitor: Literal["val_loss", "val_accuracy", "loss", "accuracy"] = "val_loss"
    min_delta: NotNegative = 0.0
    patience: Annotated[int, Field(ge=0, le=1000)] = Field(
        0, description="epochs without improvement before the training stops"
    )
    restore_best_weights: bool = False
