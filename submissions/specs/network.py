"""A network: the layers of a Keras Sequential model, with its compile and fit."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import Field

from submissions.specs import layers, training
from submissions.specs.layer_types import MAX_LAYERS, AnyLayer
from submissions.specs.parameters import Seed
from submissions.specs.shapes import LayerMismatch, layer_outputs, parameters
from submissions.specs.spec import Images, Spec


def input_shapes(side: int) -> tuple[tuple[int, ...], ...]:
    """The input shapes allowed for images of this side; 28×28 images are zero-padded for (32, 32, 1), as in LeNet-5."""
    own: tuple[tuple[int, ...], ...] = ((side, side, 1), (side, side), (side * side,))
    return (*own, (32, 32, 1)) if side == 28 else own


def _default_loss(earlier: dict[str, Any]) -> training.Loss:
    """The loss if none is given; from logits if the last layer outputs them."""
    last = (earlier.get("layers") or (None,))[-1]
    bare = isinstance(last, layers.Dense) and last.activation in (None, "linear")
    return training.Loss(from_logits=bare or isinstance(last, layers.RBF))


class CNN(Spec):
    family: Literal["cnn"] = "cnn"
    layers: Annotated[tuple[AnyLayer, ...], Field(min_length=2, max_length=MAX_LAYERS)] = Field(
        description="the layers, from Input to ten outputs"
    )
    optimizer: training.AnyOptimizer = Field(training.Adam(), description="optimizer, which updates the weights")
    loss: training.Loss = Field(default_factory=_default_loss, description="loss to minimise")
    epochs: Annotated[int, Field(ge=1, le=500)] = Field(5, description="passes over the training images")
    batch_size: Annotated[int, Field(ge=1, le=60_000)] = Field(32, description="images per training step")
    validation_split: Annotated[float, Field(ge=0, le=0.9)] = Field(
        0.0, description="share of the training images held out to monitor the training"
    )
    early_stopping: training.EarlyStopping | None = Field(None, description="stop when the training no longer improves")
    seed: Seed | None = Field(None, description="seed; None: the service picks one and records it")
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "float32", description="floating-point precision; the mixed ones are for GPUs"
    )

    def conflicts(self, images: Images | None) -> Iterator[tuple[str, str]]:
        yield from self._input_conflicts(images)
        try:
            outputs = list(layer_outputs(self.layers))
        except LayerMismatch as mismatch:
            yield f"layers.{mismatch.place}", str(mismatch)
            return
        yield from self._output_conflicts(outputs[-1].shape)
        yield from self.optimizer.conflicts()
        yield from self._training_conflicts()

    def pixel_transforms(self, images: Images) -> Iterator[str]:
        if self.layers[1].kind != "Rescaling":
            yield f"/{images.brightest}"
        if getattr(self.layers[0], "shape", ())[:1] == (32,):
            yield "padded"

    def bounded_quantities(self) -> Iterator[tuple[str, str, int]]:
        yield "epochs", "epochs", self.epochs
        yield "parameters", "layers", sum(parameters(self) or ())

    def steps(self, images: Images) -> int:
        """Training steps over all epochs."""
        return self.epochs * ceil(images.train * (1 - self.validation_split) / self.batch_size)

    def _input_conflicts(self, images: Images | None) -> Iterator[tuple[str, str]]:
        first = self.layers[0]
        shapes = [shape for side in ([images.side] if images else (28, 8)) for shape in input_shapes(side)]
        if isinstance(first, layers.Input) and first.shape not in shapes:
            yield "layers.0.shape", f"{first.shape} does not match these images: give {_alternatives(shapes)}."

    def _output_conflicts(self, shape: tuple[int, ...]) -> Iterator[tuple[str, str]]:
        place, last = len(self.layers) - 1, self.layers[-1]
        for early in range(place):
            if isinstance(self.layers[early], layers.RBF):
                yield f"layers.{early}", "RBF must be the last layer: it is the output."
        if shape != (10,):
            yield (
                f"layers.{place}",
                f"The last layer, {last.kind}, outputs {shape}: ten digits need (10,), as from Dense(10).",
            )

    def _training_conflicts(self) -> Iterator[tuple[str, str]]:
        if self.loss.from_logits and self.loss.name == "mean_squared_error":
            yield "loss.from_logits", "mean_squared_error does not support logits: set this to False."
        if isinstance(self.layers[-1], layers.RBF) and not self.loss.from_logits:
            yield "loss.from_logits", "RBF outputs logits: use a cross-entropy with from_logits=True."
        stopping = self.early_stopping
        if stopping and stopping.monitor.startswith("val_") and not self.validation_split:
            yield "early_stopping.monitor", f"{stopping.monitor!r} needs a validation_split above 0."


def _alternatives(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes[:-1])) + f" or {shapes[-1]}"
