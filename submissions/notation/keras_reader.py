"""Reads Keras code as a network's spec: the layers of a Sequential model, its compile and its fit."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from submissions.notation.draft import Draft, Model
from submissions.notation.keras_names import check_only, word
from submissions.notation.keras_training import read_compile, read_fit, read_setting
from submissions.notation.literals import refuse, walked
from submissions.notation.script import READ_ONLY
from submissions.specs.layer_types import LAYERS, MAX_LAYERS

ALIASES = {
    "InputLayer": "Input", "Convolution2D": "Conv2D", "SeparableConvolution2D": "SeparableConv2D",
    "DepthwiseConvolution2D": "DepthwiseConv2D", "MaxPool2D": "MaxPooling2D", "AvgPool2D": "AveragePooling2D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D", "GlobalAvgPool2D": "GlobalAveragePooling2D",
}  # fmt: skip

# Other names of arguments: Keras 2's, and InputLayer's.
RENAMED = {
    ("LeakyReLU", "alpha"): "negative_slope",
    ("Input", "input_shape"): "shape",
    ("Input", "batch_shape"): "batch_input_shape",
}
INPUT_SHAPES = ("input_shape", "input_dim", "batch_input_shape")
WORDS = ("activation", "kernel_initializer", "bias_initializer", "depthwise_initializer", "pointwise_initializer")
# Layers that may be given as another layer's activation.
ACTIVATIONS = frozenset({"ReLU", "LeakyReLU", "ELU", "Softmax"})
# Visits that reading and validating a layer count as, besides the node's own.
LAYER_VISITS = 10
RUN_CODE = frozenset({"Lambda", "Layer"})


def read(model: Model, side: int) -> Draft:
    """The draft of a network. `side` is the images' side in pixels, used where the text gives no input shape."""
    reader = _Network(model)
    reader.constructor()
    for use in model.uses:
        reader.method(use.name, use.call)
    for setting in model.settings:
        reader.draft |= read_setting(model.text, setting)
    reader.begin_with_input(side)
    return reader.draft


@dataclass(slots=True)
class _Network:
    model: Model
    draft: Draft = field(default_factory=lambda: Draft({"family": "cnn", "layers": []}))
    done: set[str] = field(default_factory=set)

    def constructor(self) -> None:
        self._refuse_positional_layers()
        given = self.model.text.arguments(self.model.call, ("layers", "trainable", "name"))
        self.draft.lines["layers"] = self.model.call.lineno
        for name in given:
            if name not in ("layers", "trainable", "name"):
                refuse(given[name], f"{name} is not supported in Sequential: remove it.", name)
        check_only(self.model.text, given, {"trainable": (True,)})
        if "layers" in given:
            for node in self._listed(given["layers"]):
                self.add(node)

    def _listed(self, node: ast.expr) -> Iterator[ast.expr]:
        """The layers of a list, and of lists unpacked in it with `*`."""
        listed = self.model.text.resolve(node)
        if not isinstance(listed, ast.List | ast.Tuple):
            refuse(
                listed, f"write the layers as a list, Sequential([Dense(10), …]){_why_not_a_list(listed)}.", "layers"
            )
        for item in listed.elts:
            if isinstance(item, ast.Starred):
                self.model.text.count_visits(item)
                yield from self._listed(item.value)
            else:
                yield item

    def _refuse_positional_layers(self) -> None:
        """Refuses PyTorch's `nn.Sequential(nn.Flatten(), nn.Linear(784, 10))`."""
        call, text = self.model.call, self.model.text
        if any(isinstance(node, ast.Call) for node in call.args):
            torch = {"nn", "torch"} & {*text.dotted(call.func)}
            refuse(
                call,
                f"{'this is PyTorch; here, ' if torch else ''}write the layers as one list, as in Keras: "
                "Sequential([Flatten(), Dense(10)]).",
                "layers",
            )

    def method(self, name: str, call: ast.Call) -> None:
        if name == "add":
            given = self.model.text.arguments(call, ("layer",))
            if list(given) != ["layer"]:
                refuse(call, "add takes one layer.", "layers")
            self.add(given["layer"])
        elif name in ("compile", "fit"):
            if name in self.done:
                refuse(call, f"there is a second {name}: a model is compiled and trained once here.")
            self.done.add(name)
            self.draft |= (read_compile if name == "compile" else read_fit)(self.model.text, call)
        elif name in READ_ONLY:
            self.draft.ignored.append(self.model.text.ignore(call))
        else:
            refuse(call, f"the method {name} is not supported: use add, compile and fit.")

    def add(self, node: ast.expr) -> None:
        if len(self.draft.data["layers"]) >= MAX_LAYERS:
            refuse(node, f"there are more layers than the service's limit of {MAX_LAYERS}.", "layers")
        self.model.text.count_visits(node, LAYER_VISITS)
        call = self.model.text.resolve(node)
        if not isinstance(call, ast.Call):
            refuse(call, "write a layer as a call, such as Dense(10).", "layers")
        written = self.model.text.called(call)
        kind = ALIASES.get(written, written)
        if kind == "Softmax":
            check_only(self.model.text, self.model.text.arguments(call, ("axis",)), {"axis": (-1,)})
            self._put({"kind": "Activation", "activation": "softmax"}, call)
        elif kind in LAYERS:
            self._layer(kind, call)
        elif kind in RUN_CODE:
            refuse(
                call, f"{'.'.join(self.model.text.dotted(call.func))} would run code, which is not supported.", "layers"
            )
        else:
            refuse(call, f"{written or 'this layer'} is not supported: use {', '.join(LAYERS)}.", "layers")

    def _layer(self, kind: str, call: ast.Call) -> None:
        text = self.model.text
        given = {
            RENAMED.get((kind, name), name): value
            for name, value in text.arguments(call, LAYERS[kind].POSITIONAL).items()
        }
        self._input_shape(kind, given)
        fields = check_only(text, given, INPUT_ONLY if kind == "Input" else LAYER_ONLY)
        following = self._layer_as_activation(fields)
        data = {name: word(text, value) if name in WORDS else text.literal(value) for name, value in fields.items()}
        if isinstance(padding := data.get("padding"), str):
            data["padding"] = padding.lower()  # as Keras takes it
        place = self._put({"kind": kind, **data}, call)
        for name, value in fields.items():
            self.draft.lines[f"layers.{place}.{name}"] = value.lineno
        if following is not None:
            self.add(following)

    def _layer_as_activation(self, fields: dict[str, ast.expr]) -> ast.expr | None:
        """Takes out a layer given as activation: `Dense(10, activation=ELU())` means Dense, then ELU."""
        given = fields.get("activation")
        call = self.model.text.resolve(given) if given is not None else None
        if isinstance(call, ast.Call) and self.model.text.called(call) in ACTIVATIONS:
            return fields.pop("activation")
        return None

    def _input_shape(self, kind: str, given: dict[str, ast.expr]) -> None:
        """Turns an input shape that is given to the first layer into an Input."""
        for name in INPUT_SHAPES:
            if name not in given:
                continue
            node = given.pop(name)
            if kind != "Input" and self.draft.data["layers"]:
                self.draft |= Draft.ignoring(node.lineno, f"{name}, which only the first layer uses")
                continue
            value = self.model.text.literal(node)
            shape = value[1:] if name.startswith("batch") and isinstance(value, list) else value
            if kind == "Input":
                given["shape"] = _as_node(shape, node)
            else:
                self._put({"kind": "Input", "shape": [shape] if name == "input_dim" else shape}, node)

    def _put(self, layer: dict[str, Any], node: ast.expr) -> int:
        place = len(self.draft.data["layers"])
        self.draft.data["layers"].append(layer)
        self.draft.lines[f"layers.{place}"] = node.lineno
        return place

    def begin_with_input(self, side: int) -> None:
        """Adds an Input that fits the first layer, where the text has none."""
        listed = self.draft.data["layers"]
        if not listed or listed[0]["kind"] == "Input":
            return
        first = next((layer["kind"] for layer in listed if layer["kind"] not in SHAPELESS), "Dense")
        shapes = {"Flatten": [side, side], "Dense": [side**2], "RBF": [side**2]}
        listed.insert(0, {"kind": "Input", "shape": shapes.get(first, [side, side, 1])})
        shifted = {re.sub(r"^layers\.(\d+)", _shifted, name): line for name, line in self.draft.lines.items()}
        self.draft.lines = {**shifted, "layers.0": self.draft.lines["layers.0"]}


# Layers that take any shape, so that the input does not follow from them.
SHAPELESS = ("Rescaling", "BatchNormalization", "Dropout", "Activation", "ReLU", "LeakyReLU", "ELU")

# Arguments of Keras' layers without a field in the spec, with the values that change nothing.
NONE = (None,)
LAYER_ONLY: dict[str, tuple[object, ...]] = {
    "data_format": (None, "channels_last"), "dtype": (None, "float32"), "axis": (-1,), "groups": (1,),
    "trainable": (True,), "renorm": (False,), "synchronized": (False,), "noise_shape": NONE,
    "kernel_regularizer": NONE, "bias_regularizer": NONE, "activity_regularizer": NONE, "kernel_constraint": NONE,
    "bias_constraint": NONE, "depthwise_regularizer": NONE, "pointwise_regularizer": NONE,
}  # fmt: skip
INPUT_ONLY: dict[str, tuple[object, ...]] = {
    "batch_size": NONE, "dtype": (None, "float32"), "sparse": (None, False), "ragged": (None, False),
    "optional": (False,),
}  # fmt: skip


def _why_not_a_list(listed: ast.expr) -> str:
    """Why an expression is not a list of layers, if that is known."""
    if any(isinstance(part, ast.comprehension) for part in walked(listed)):
        return ": loops that create layers are not supported"
    if isinstance(listed, ast.Name) and " " in listed.id:
        return f": {listed.id} is not supported"
    return ""


def _shifted(match: re.Match[str]) -> str:
    return f"layers.{int(match[1]) + 1}"


def _as_node(value: object, place: ast.expr) -> ast.expr:
    return ast.copy_location(ast.parse(repr(value), mode="eval").body, place)
