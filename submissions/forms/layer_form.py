"""A layer as a row of the network's form: a field for each of its parameters, as Keras names them."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.utils import ErrorDict

from submissions.forms.spec_fields import OfferedChoice, bare_field, typed
from submissions.notation.keras_writer import write_value
from submissions.notation.reader import NotationError
from submissions.specs.layer_types import LAYERS
from submissions.specs.layers import Layer
from submissions.specs.network import input_shapes

# A layer as it stands in the form, before anybody judges it: its kind, and what is written for each parameter.
Row = dict[str, str]

# What most people leave alone stands folded up, unless it must be given.
SELDOM = frozenset(
    {
        "use_bias", "kernel_initializer", "bias_initializer", "depthwise_initializer", "pointwise_initializer",
        "dilation_rate", "depth_multiplier", "seed", "momentum", "epsilon", "center", "scale", "max_value",
        "threshold", "keepdims", "offset",
    }
)  # fmt: skip
# What a layer that is added begins with, beyond Keras' defaults.
BEGINNINGS = {
    "Conv2D": {"filters": "32", "kernel_size": "3", "activation": "relu"},
    "SeparableConv2D": {"filters": "32", "kernel_size": "3", "activation": "relu"},
    "DepthwiseConv2D": {"kernel_size": "3"},
    "Dense": {"units": "128", "activation": "relu"},
    "Dropout": {"rate": "0.5"},
    "SpatialDropout2D": {"rate": "0.2"},
    "Activation": {"activation": "relu"},
    "Rescaling": {"scale": "0.00392156862745098"},
}


def row_of(layer: Layer) -> Row:
    """What stands in the fields for this layer."""
    names = (name for name in type(layer).model_fields if name != "kind")
    return {"kind": layer.kind} | {name: _text(type(layer), name, getattr(layer, name)) for name in names}


def new_row(kind: str) -> Row:
    return usual(kind) | BEGINNINGS.get(kind, {})


@cache
def usual(kind: str) -> dict[str, str]:
    """The defaults, in the fields; nothing where there is none."""
    layer = LAYERS[kind]
    fields = {name: field for name, field in layer.model_fields.items() if name != "kind"}
    texts = {name: "" if field.is_required() else _text(layer, name, field.default) for name, field in fields.items()}
    return {"kind": kind, **texts}


def _text(layer: type[Layer], name: str, value: object) -> str:
    if value is None:
        return "None" if isinstance(bare_field(layer, name), forms.ChoiceField) else ""
    if isinstance(value, str):
        return value
    # A shape is not a pair: (28, 28) stays what it is.
    return repr(value) if name == "shape" else write_value(value)


def read_row(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
    """The layer as JSON would say it, empty fields left out – and what is wrong with those that hold no plain value."""
    values: dict[str, Any] = {"kind": row["kind"]}
    wrong: dict[str, str] = {}
    for name in usual(row["kind"]):
        text = row.get(name, "").strip()
        if name != "kind" and text:
            try:
                values[name] = typed(text)
            except NotationError as refusal:
                wrong[name] = refusal.errors[0]["message"]
    return values, wrong


class LayerForm(forms.Form):
    """One row. What is right is decided by the spec as a whole, whose errors are handed back to `refuse`.

    `output`, `trainable` and `fixed` say what the layer gives, as far as the layers up to it fit.
    """

    kind = forms.CharField(widget=forms.HiddenInput)
    output: tuple[int, ...] | None = None
    trainable = 0
    fixed = 0
    focused = ""

    def __init__(self, place: int, row: Row, *, side: int, last: int) -> None:
        texts = {**usual(row["kind"]), **row}
        super().__init__({f"layer-{place}-{name}": text for name, text in texts.items()}, prefix=f"layer-{place}")
        self.place, self.name, self.label_suffix = place, row["kind"], ""
        self.is_first, self.is_last = place == 1, place == last
        self.layer = LAYERS[self.name]
        self.texts = texts
        for name in sorted(usual(self.name), key=self._place_in_call):
            if name != "kind":
                self.fields[name] = _shape_field(side) if name == "shape" else bare_field(self.layer, name)
                self.fields[name].widget.attrs["aria-describedby"] = f"layer-{place}-told"
        self.full_clean()

    def focus(self, control: str) -> None:
        """Let the keyboard be at a button of the row, or at its first field – the first button where it has none."""
        often = self.often()
        if control == "field" and often:
            often[0].field.widget.attrs["autofocus"] = True
        else:
            self.focused = control if control != "field" else "remove"

    def full_clean(self) -> None:
        """Judges nothing: that is the spec's."""
        self._errors = ErrorDict()
        self.cleaned_data = {}

    def refuse(self, name: str, message: str) -> None:
        """Tell an error beside the parameter `name`, or of the whole layer where that is none of its parameters."""
        self.add_error(name if name in self.fields else None, message)

    @property
    def refusals(self) -> list[tuple[str, str]]:
        """(id of the field that it is about, message); no id where it is about the layer."""
        return [
            ("", message) if name == NON_FIELD_ERRORS else (self[name].auto_id, f"{name}: {message}")
            for name, messages in self.errors.items()
            for message in map(str, messages)
        ]

    def often(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name != "kind" and not self._is_seldom(name)]

    def seldom(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name != "kind" and self._is_seldom(name)]

    @property
    def is_unusual(self) -> bool:
        """Whether something that is folded up must be seen."""
        known = usual(self.name)
        return any(field.errors or self.texts[field.name] != known[field.name] for field in self.seldom())

    def _place_in_call(self, name: str) -> int:
        """In Keras' order."""
        order = self.layer.POSITIONAL
        return order.index(name) if name in order else len(order)

    def _is_seldom(self, name: str) -> bool:
        return name in SELDOM and not self.layer.model_fields[name].is_required()


def _shape_field(side: int) -> forms.Field:
    shapes = [str(shape) for shape in input_shapes(side)]
    return OfferedChoice(choices=[(shape, shape) for shape in shapes], required=False, label="shape")
