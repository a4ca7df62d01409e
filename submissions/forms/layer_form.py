"""One layer in the network's form, with a field per parameter, named as in Keras."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.utils import ErrorDict

from submissions.forms.spec_fields import OfferedChoice, blank_field, parse_value
from submissions.notation.keras_writer import write_value
from submissions.notation.reader import NotationError
from submissions.specs.layer_types import LAYERS
from submissions.specs.layers import Layer
from submissions.specs.network import input_shapes

# A layer as entered in the form, not validated: its kind and the text of each parameter.
Row = dict[str, str]

# Rarely changed parameters are folded away, unless they are required.
ADVANCED = frozenset(
    {
        "use_bias", "kernel_initializer", "bias_initializer", "depthwise_initializer", "pointwise_initializer",
        "dilation_rate", "depth_multiplier", "seed", "momentum", "epsilon", "center", "scale", "max_value",
        "threshold", "keepdims", "offset",
    }
)  # fmt: skip
# Initial values of an added layer, where they differ from Keras' defaults.
STARTING_VALUES = {
    "Conv2D": {"filters": "32", "kernel_size": "3", "activation": "relu"},
    "SeparableConv2D": {"filters": "32", "kernel_size": "3", "activation": "relu"},
    "DepthwiseConv2D": {"kernel_size": "3"},
    "Dense": {"units": "128", "activation": "relu"},
    "Dropout": {"rate": "0.5"},
    "SpatialDropout2D": {"rate": "0.2"},
    "Activation": {"activation": "relu"},
    "Rescaling": {"scale": "0.00392156862745098"},
}


def row_from_layer(layer: Layer) -> Row:
    """The field texts for this layer."""
    names = (name for name in type(layer).model_fields if name != "kind")
    return {"kind": layer.kind} | {name: _text(type(layer), name, getattr(layer, name)) for name in names}


def new_row(kind: str) -> Row:
    return default_row(kind) | STARTING_VALUES.get(kind, {})


@cache
def default_row(kind: str) -> dict[str, str]:
    """The field texts of the defaults; empty for required parameters."""
    layer = LAYERS[kind]
    fields = {name: field for name, field in layer.model_fields.items() if name != "kind"}
    texts = {name: "" if field.is_required() else _text(layer, name, field.default) for name, field in fields.items()}
    return {"kind": kind, **texts}


def _text(layer: type[Layer], name: str, value: object) -> str:
    if value is None:
        return "None" if isinstance(blank_field(layer, name), forms.ChoiceField) else ""
    if isinstance(value, str):
        return value
    # A shape must stay a tuple; `write_value` would shorten the pair (28, 28).
    return repr(value) if name == "shape" else write_value(value)


def read_row(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
    """The layer's values without empty fields, and error messages for the fields that hold no plain value."""
    values: dict[str, Any] = {"kind": row["kind"]}
    wrong: dict[str, str] = {}
    for name in default_row(row["kind"]):
        text = row.get(name, "").strip()
        if name != "kind" and text:
            try:
                values[name] = parse_value(text)
            except NotationError as refusal:
                wrong[name] = refusal.errors[0]["message"]
    return values, wrong


class LayerForm(forms.Form):
    """One layer. The whole network's spec validates it and passes errors to `add_parameter_error`.

    `output` (shape), `trainable` and `fixed` (parameter counts) are set if all layers up to this one fit.
    """

    kind = forms.CharField(widget=forms.HiddenInput)
    output: tuple[int, ...] | None = None
    trainable = 0
    fixed = 0
    focused = ""

    def __init__(self, place: int, row: Row, *, side: int, last: int) -> None:
        texts = {**default_row(row["kind"]), **row}
        super().__init__({f"layer-{place}-{name}": text for name, text in texts.items()}, prefix=f"layer-{place}")
        self.place, self.name, self.label_suffix = place, row["kind"], ""
        self.is_first, self.is_last = place == 1, place == last
        self.layer = LAYERS[self.name]
        self.texts = texts
        for name in sorted(default_row(self.name), key=self._argument_position):
            if name != "kind":
                self.fields[name] = _shape_field(side) if name == "shape" else blank_field(self.layer, name)
                self.fields[name].widget.attrs["aria-describedby"] = f"layer-{place}-told"
        self.full_clean()

    def focus(self, control: str) -> None:
        """Focus a button of the row, or with "field" its first field, or the remove button if it has no fields."""
        basic = self.basic_fields()
        if control == "field" and basic:
            basic[0].field.widget.attrs["autofocus"] = True
        else:
            self.focused = control if control != "field" else "remove"

    def full_clean(self) -> None:
        """Skip Django's validation, because the spec validates."""
        self._errors = ErrorDict()
        self.cleaned_data = {}

    def add_parameter_error(self, name: str, message: str) -> None:
        """Add an error to the parameter `name`, or to the layer if it has no such parameter."""
        self.add_error(name if name in self.fields else None, message)

    @property
    def error_messages(self) -> list[tuple[str, str]]:
        """(field id, message) pairs; the id is empty for errors of the whole layer."""
        return [
            ("", message) if name == NON_FIELD_ERRORS else (self[name].auto_id, f"{name}: {message}")
            for name, messages in self.errors.items()
            for message in map(str, messages)
        ]

    def basic_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name != "kind" and not self._is_advanced(name)]

    def advanced_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name != "kind" and self._is_advanced(name)]

    @property
    def shows_advanced(self) -> bool:
        """Whether the advanced fields must be shown, because of an error or a changed value."""
        known = default_row(self.name)
        return any(field.errors or self.texts[field.name] != known[field.name] for field in self.advanced_fields())

    def _argument_position(self, name: str) -> int:
        """The parameter's position in Keras' signature."""
        order = self.layer.POSITIONAL
        return order.index(name) if name in order else len(order)

    def _is_advanced(self, name: str) -> bool:
        return name in ADVANCED and not self.layer.model_fields[name].is_required()


def _shape_field(side: int) -> forms.Field:
    shapes = [str(shape) for shape in input_shapes(side)]
    return OfferedChoice(choices=[(shape, shape) for shape in shapes], required=False, label="shape")
