"""The form of a network: its layers as Keras writes them, one a line, and fields for how it is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from submissions import keras_notation
from submissions.entry import Entry
from submissions.families.cnn import CNN, dense
from submissions.families.layers import MOST_UNITS
from submissions.families.training import OPTIMIZERS, EarlyStopping, Loss, Optimizer
from submissions.forms import NOTATION, FamilyForm, inner
from submissions.keras_writing import write_layer
from submissions.notation import Reading, with_line
from submissions.notation_draft import Draft
from submissions.notation_text import NotationError
from submissions.spec_fields import field_for, filled_in
from submissions.specs import DATASETS, Spec, SpecError, described, dump, validate

EXAMPLE = "Conv2D(6, 3, activation='relu')\nMaxPooling2D()\nFlatten()\nDense(10, activation='softmax')"
USUAL_OPTIMIZER = CNN.model_fields["optimizer"].default.name
NO_LAYERS = _("Write the layers here, one a line, or start from an example.")
PLAIN = ("epochs", "batch_size", "validation_split", "seed", "precision")
# Their defaults hang on another field: on the optimizer, and on the last layer.
DEPENDENT = ("optimizer.learning_rate", "loss.from_logits")


class NetworkForm(FamilyForm):
    """Paths lead into the parts of the spec, as `optimizer.learning_rate` does."""

    def described(self) -> Iterator[tuple[str, forms.Field]]:
        words = self.family.help
        yield "layers", _layers_field(words["layers"])
        for name in ("epochs", "batch_size", "validation_split"):
            yield name, field_for(CNN, name, help_text=words[name])
        yield "optimizer.name", _optimizer_field(words["optimizer"])
        yield "optimizer.learning_rate", _learning_rate_field()
        yield "early_stopping.patience", _patience_field()
        yield "loss.name", field_for(Loss, "name", label="loss", help_text=words["loss"])
        yield "loss.from_logits", _from_logits_field()
        for name in ("seed", "precision"):
            yield name, field_for(CNN, name, help_text=words[name])

    def texts_of(self, preset: Spec) -> dict[str, str]:
        net = cast(CNN, preset)
        usual = CNN(layers=net.layers, optimizer=type(net.optimizer)())
        values = {path: attrgetter(path)(net) for path in ("optimizer.name", "loss.name", *PLAIN)}
        values |= {
            path: attrgetter(path)(net) for path in DEPENDENT if attrgetter(path)(net) != attrgetter(path)(usual)
        }
        if net.early_stopping:
            values["early_stopping.patience"] = net.early_stopping.patience
        texts = {path: filled_in(self.fields[inner(path)], value) for path, value in values.items()}
        return texts | {"layers": "\n".join(write_layer(layer) for layer in net.layers)}

    def read(self) -> Sequence[Reading]:
        draft = self._layers()
        data = {"family": self.family.name, "layers": draft.data["layers"], **self._training()}
        try:
            return [Reading(self._validated(self._with_loss(data)), tuple(map(str, draft.asides)))]
        except SpecError as refusal:
            raise SpecError([_placed(error, draft) for error in refusal.errors]) from refusal

    def home_of(self, path: str) -> str | None:
        """The field itself, else the first one of its part: `early_stopping.monitor` is told beside the patience."""
        first = path.split(".")[0]
        home = path if path in self.paths else next((known for known in self.paths if known.split(".")[0] == first), "")
        return inner(home) if home else None

    def _layers(self) -> Draft:
        side = DATASETS[self.entry.quest.dataset].side
        try:
            draft = keras_notation.read_layers(self.cleaned_data[inner("layers")], side)
        except NotationError as refusal:
            raise SpecError([{**error, "field": "layers"} for error in refusal.errors]) from refusal
        if not draft.data["layers"]:
            raise SpecError.of("layers", str(NO_LAYERS))
        return draft

    def _training(self) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for path, value in self.data_of(path for path in self.paths if path != "layers").items():
            part, _dot, name = path.partition(".")
            if name:
                data.setdefault(part, {})[name] = value
            else:
                data[part] = value
        if "optimizer" in data:
            data["optimizer"].setdefault("name", USUAL_OPTIMIZER)
        return data

    def _with_loss(self, data: dict[str, Any]) -> dict[str, Any]:
        """Where nobody says whether the last layer gives logits, what the spec takes when no loss is named."""
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
    """A dense net of a chosen width, to fill the network's form with."""

    width = forms.IntegerField(min_value=1, max_value=MOST_UNITS, initial=512, label=_("Dense net of width"))
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


def _placed(error: dict[str, str], draft: Draft) -> dict[str, str]:
    """The error, with its line where it is about a layer."""
    return with_line(error, draft, 1) if error["field"].startswith("layers.") else error


def _layers_field(help_text: str) -> forms.Field:
    return forms.CharField(
        label="layers",
        help_text=_("%(what)s: one a line, as Keras writes them. Input may be left out.") % {"what": help_text},
        strip=False,
        error_messages={"required": NO_LAYERS},
        widget=forms.Textarea(attrs={"rows": 10, "placeholder": EXAMPLE, **NOTATION}),
    )


def _optimizer_field(help_text: str) -> forms.Field:
    choices = [(name, kind.CLASS) for name, kind in OPTIMIZERS.items()]
    return forms.ChoiceField(
        choices=choices, initial=USUAL_OPTIMIZER, required=False, label="optimizer", help_text=help_text
    )


def _learning_rate_field() -> forms.Field:
    """Empty, since what is usual hangs on the optimizer: with Adam's rate filled in, SGD would take it over."""
    rates = {kind.CLASS: kind.model_fields["learning_rate"].default for kind in OPTIMIZERS.values()}
    usual = Optimizer.model_fields["learning_rate"].default
    others = ", ".join(f"{name} {rate}" for name, rate in rates.items() if rate != usual)
    words = {"what": described(Optimizer)["learning_rate"], "usual": usual, "others": others}
    field = field_for(Optimizer, "learning_rate")
    field.help_text = _("%(what)s; empty: the usual, which is %(usual)s (%(others)s)") % words
    field.initial = ""
    return field


def _from_logits_field() -> forms.Field:
    return forms.ChoiceField(
        choices=[("", _("as the last layer has it")), ("True", "True"), ("False", "False")],
        initial="",
        required=False,
        label="from_logits",
        help_text=described(Loss)["from_logits"],
    )


def _patience_field() -> forms.Field:
    field = field_for(EarlyStopping, "patience", label="early_stopping")
    field.help_text = _("patience: %(what)s; empty: no early stopping") % {"what": described(EarlyStopping)["patience"]}
    field.initial = ""
    field.widget.attrs["placeholder"] = "None"
    return field
