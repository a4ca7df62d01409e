"""The form of a network: a row per layer and fields for its training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, cast

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from submissions.families.network import dense
from submissions.forms.layer_editing import AddForm, EditResult, built_layers, read_rows, valid_layers
from submissions.forms.layer_form import LayerForm, Row, read_row, row_from_layer
from submissions.forms.spec_fields import field_for, field_text
from submissions.forms.submission_form import FamilyForm, field_name
from submissions.notation.reader import ParsedModel
from submissions.quests.eligibility import Entry
from submissions.specs.layers import MAX_UNITS, Dense, Flatten, Input
from submissions.specs.network import CNN
from submissions.specs.spec import DATASETS, Spec, SpecError, described, dump
from submissions.specs.training import OPTIMIZERS, EarlyStopping, Loss, Optimizer
from submissions.specs.validation import validate

DEFAULT_OPTIMIZER = CNN.model_fields["optimizer"].default.name
PLAIN = ("epochs", "batch_size", "validation_split", "seed", "precision")
# Their defaults depend on another field: the optimizer or the last layer.
DEPENDENT = ("optimizer.learning_rate", "loss.from_logits")
LAYERS = "layers"


class NetworkForm(FamilyForm):
    """Field paths are paths into the spec, such as `optimizer.learning_rate` and `layers.2.units`."""

    def __init__(self, data: Any = None, *, entry: Entry, preset: Spec | None = None, **more: Any) -> None:
        side = DATASETS[entry.quest.dataset].side
        starting = preset or (_starting_network(side) if data is None else None)
        super().__init__(data, entry=entry, preset=starting, **more)
        # Holds a copy of the layers' errors, which are shown at their rows.
        self.fields[field_name(LAYERS)] = forms.CharField(required=False, label=LAYERS, widget=forms.HiddenInput)
        texts: Sequence[Row] = (
            read_rows(self.data)
            if starting is None
            else [row_from_layer(layer) for layer in cast(CNN, starting).layers]
        )
        self.rows = [LayerForm(place, row, side=side, last=len(texts) - 1) for place, row in enumerate(texts)]
        self.adding = AddForm(self.data, texts)
        self._set_shapes(texts)

    def parameter_fields(self) -> Iterator[tuple[str, forms.Field]]:
        words = self.family.help
        for name in ("epochs", "batch_size", "validation_split"):
            yield name, field_for(CNN, name, help_text=words[name])
        yield "optimizer.name", _optimizer_field(words["optimizer"])
        yield "optimizer.learning_rate", _learning_rate_field()
        yield "early_stopping.patience", _patience_field()
        yield "loss.name", field_for(Loss, "name", label="loss", help_text=words["loss"])
        yield "loss.from_logits", _from_logits_field()
        for name in ("seed", "precision"):
            yield name, field_for(CNN, name, help_text=words[name])

    def field_texts(self, preset: Spec) -> dict[str, str]:
        net = cast(CNN, preset)
        usual = CNN(layers=net.layers, optimizer=type(net.optimizer)())
        values = {path: attrgetter(path)(net) for path in ("optimizer.name", "loss.name", *PLAIN)}
        values |= {
            path: attrgetter(path)(net) for path in DEPENDENT if attrgetter(path)(net) != attrgetter(path)(usual)
        }
        if net.early_stopping:
            values["early_stopping.patience"] = net.early_stopping.patience
        return {path: field_text(self.fields[field_name(path)], value) for path, value in values.items()}

    def read(self) -> Sequence[ParsedModel]:
        layers, wrong = zip(*(read_row(row.texts) for row in self.rows), strict=True) if self.rows else ((), ())
        refused = [
            {"field": f"{LAYERS}.{place}.{name}", "message": message}
            for place, messages in enumerate(wrong)
            for name, message in messages.items()
        ]
        if refused:
            raise SpecError(refused)
        data = {"family": self.family.name, LAYERS: list(layers), **self._training()}
        return [ParsedModel(self._validated(self._with_loss(data)))]

    def add_errors(self, errors: Sequence[dict[str, str]]) -> None:
        super().add_errors([self._move_to_layer(error) for error in errors])

    def _move_to_layer(self, error: dict[str, str]) -> dict[str, str]:
        """Show the error at its layer if it concerns one; return it with the layer named."""
        place, name = _split_layer_path(error["field"])
        if place is None or place >= len(self.rows):
            return error
        message = error["message"]
        self.rows[place].add_parameter_error(name, message)
        if message.startswith(f"Layer {place}"):
            return {"field": LAYERS, "message": message}
        told = {"place": place, "message": f"{name}: {message}" if name else message}
        return {"field": LAYERS, "message": gettext("Layer %(place)s: %(message)s") % told}

    def field_for_error(self, path: str) -> str | None:
        """The field itself, or the first of its part: `early_stopping.monitor` errors are shown at the patience."""
        first = path.split(".")[0]
        known = [LAYERS, *self.paths]
        home = path if path in known else next((one for one in known if one.split(".")[0] == first), "")
        return field_name(home) if home else None

    def focus(self, result: EditResult) -> None:
        """Focus the layer that was just added or moved."""
        self.rows[result.place].focus(result.control)

    def _set_shapes(self, texts: Sequence[Row]) -> None:
        layers = valid_layers(texts)
        if layers and isinstance(layers[0], Input):
            self.rows[0].output = layers[0].shape
        for row, one in zip(self.rows[1:], built_layers(layers), strict=False):
            row.output, row.trainable, row.fixed = one

    def _training(self) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for path, value in self.parse_fields(self.paths).items():
            part, _dot, name = path.partition(".")
            if name:
                data.setdefault(part, {})[name] = value
            else:
                data[part] = value
        if "optimizer" in data:
            data["optimizer"].setdefault("name", DEFAULT_OPTIMIZER)
        return data

    def _with_loss(self, data: dict[str, Any]) -> dict[str, Any]:
        """The data with `from_logits` set as the spec infers it from the last layer, unless the form sets it."""
        asked = data.get("loss", {})
        if "from_logits" in asked:
            return data
        fitting = self._validated({name: value for name, value in data.items() if name != "loss"}).loss
        logits = fitting.from_logits and asked.get("name") != "mean_squared_error"
        return {**data, "loss": {**asked, "from_logits": logits}}

    def _validated(self, data: dict[str, Any]) -> CNN:
        quest = self.entry.quest
        return cast(CNN, validate(data, dataset=quest.dataset, limits=quest.limits))


class WidthForm(forms.Form):
    """Fills the network's form with a dense network of the given width."""

    width = forms.IntegerField(min_value=1, max_value=MAX_UNITS, initial=512, label=_("Dense network of width"))
    net: CNN | None = None

    def __init__(self, data: Any = None, *, entry: Entry) -> None:
        super().__init__(data, auto_id="id_dense_%s")
        self.entry, self.label_suffix = entry, ""

    def clean_width(self) -> int:
        quest, width = self.entry.quest, int(self.cleaned_data["width"])
        try:
            data = dump(dense(width, pixels=DATASETS[quest.dataset].side ** 2))
            self.net = cast(CNN, validate(data, dataset=quest.dataset, limits=quest.limits))
        except SpecError as refusal:
            raise forms.ValidationError([error["message"] for error in refusal.errors]) from refusal
        return width


def _split_layer_path(path: str) -> tuple[int | None, str]:
    """(place, parameter) of a path such as `layers.2.units`; the place is None for other paths."""
    first, *rest = path.split(".")
    if first != LAYERS or not rest or not rest[0].isdecimal():
        return None, ""
    return int(rest[0]), "".join(rest[1:2])


def _starting_network(side: int) -> CNN:
    """The smallest network with ten outputs."""
    return CNN(layers=(Input(shape=(side, side, 1)), Flatten(), Dense(units=10, activation="softmax")))


def _optimizer_field(help_text: str) -> forms.Field:
    choices = [(name, kind.CLASS) for name, kind in OPTIMIZERS.items()]
    return forms.ChoiceField(
        choices=choices, initial=DEFAULT_OPTIMIZER, required=False, label="optimizer", help_text=help_text
    )


def _learning_rate_field() -> forms.Field:
    """Initially blank, because the default depends on the optimizer: Adam's rate would also apply to SGD."""
    rates = {kind.CLASS: kind.model_fields["learning_rate"].default for kind in OPTIMIZERS.values()}
    usual = Optimizer.model_fields["learning_rate"].default
    others = ", ".join(f"{name} {rate}" for name, rate in rates.items() if rate != usual)
    words = {"what": described(Optimizer)["learning_rate"], "usual": usual, "others": others}
    field = field_for(Optimizer, "learning_rate")
    field.help_text = _("%(what)s; blank = default, %(usual)s (%(others)s)") % words
    field.initial = ""
    return field


def _from_logits_field() -> forms.Field:
    return forms.ChoiceField(
        choices=[("", _("match the last layer")), ("True", "True"), ("False", "False")],
        initial="",
        required=False,
        label="from_logits",
        help_text=described(Loss)["from_logits"],
    )


def _patience_field() -> forms.Field:
    field = field_for(EarlyStopping, "patience", label="early_stopping")
    field.help_text = _("patience: %(what)s; blank = no early stopping") % {
        "what": described(EarlyStopping)["patience"]
    }
    field.initial = ""
    field.widget.attrs["placeholder"] = "None"
    return field
