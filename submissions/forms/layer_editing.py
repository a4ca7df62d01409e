"""Adding, removing and moving a network's layers in its form."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pydantic
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from submissions.forms.layer_form import Row, new_row, read_row
from submissions.specs.layer_types import LAYERS, MAX_LAYERS
from submissions.specs.layers import Layer, LayerOutput
from submissions.specs.shapes import LayerMismatch, layer_outputs

FIELD = re.compile(r"layer-(\d{1,3})-([a-z_]{1,40})")
ADDABLE = [kind for kind in LAYERS if kind != "Input"]
WHERE_IT_FITS = "fits"


@dataclass(frozen=True, slots=True)
class EditResult:
    """The outcome of an edit: the layer and the control (a button or "field") to focus, and a message for the user."""

    place: int
    control: str
    message: str


@dataclass(frozen=True, slots=True)
class LayerEdit:
    """The edit that a button requests: `up-2`, `down-2`, `remove-2`, or `add` with a kind and the layer before it."""

    action: str
    place: int = 0
    kind: str = ""
    after: str = WHERE_IT_FITS

    @classmethod
    def from_post(cls, data: Mapping[str, str]) -> LayerEdit:
        action, _dash, place = data.get("change", "").partition("-")
        number = int(place) if re.fullmatch(r"[0-9]{1,3}", place) else 0
        return cls(action, number, data.get("add-kind", ""), data.get("add-after", WHERE_IT_FITS))


class AddForm(forms.Form):
    """Selects the layer to add and its place."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in ADDABLE], label=gettext_lazy("Add a layer"))
    after = forms.ChoiceField(label=gettext_lazy("after"))

    def __init__(self, data: Mapping[str, str], rows: Sequence[Row]) -> None:
        super().__init__(prefix="add", initial={"kind": data.get("add-kind", ADDABLE[0])})
        self.label_suffix = ""
        after = self.fields["after"]
        assert isinstance(after, forms.ChoiceField)
        places = [(str(place), f"{place} {row['kind']}") for place, row in enumerate(rows)]
        after.choices = [(WHERE_IT_FITS, _("the last layer where it fits")), *places]


def read_rows(data: Mapping[str, str]) -> list[Row]:
    """The layers in the form's fields, in order. Unknown kinds are ignored."""
    found: dict[int, Row] = defaultdict(dict)
    for name in data:
        if field := FIELD.fullmatch(name):
            found[int(field[1])][field[2]] = data[name]
    rows = (found[place] for place in sorted(found))
    return [row for row in rows if row.get("kind") in LAYERS][: MAX_LAYERS + 1]


def replace_rows(data: Mapping[str, str], rows: Sequence[Row]) -> dict[str, str]:
    """The form's data with its layers replaced by `rows`."""
    kept = {name: data[name] for name in data if not FIELD.fullmatch(name)}
    return kept | {f"layer-{place}-{name}": row[name] for place, row in enumerate(rows) for name in row}


def apply_edit(rows: Sequence[Row], change: LayerEdit) -> tuple[list[Row], EditResult | None]:
    """The layers after an edit and its result. An impossible edit leaves the layers unchanged and gives None."""
    listed, place = list(rows), change.place
    if change.action == "add" and change.kind in ADDABLE and len(listed) < MAX_LAYERS:
        return _add(listed, change)
    # Input stays in first place.
    if change.action == "remove" and 1 <= place < len(listed):
        gone = listed.pop(place)
        return listed, EditResult(min(place, len(listed) - 1), "remove", _("Removed %s.") % gone["kind"])
    to = {"up": place - 1, "down": place + 1}.get(change.action, 0)
    if 1 <= place < len(listed) and 1 <= to < len(listed):
        listed[place], listed[to] = listed[to], listed[place]
        words = _("%(kind)s is now layer %(place)s.") % {"kind": listed[to]["kind"], "place": to}
        return listed, EditResult(to, _button_to_focus(change.action, to, len(listed)), words)
    return listed, None


def _button_to_focus(button: str, place: int, length: int) -> str:
    """The pressed button, or the opposite one if the layer has reached the end of the list."""
    ends = {"up": place == 1, "down": place == length - 1}
    return {"up": "down", "down": "up"}[button] if ends[button] else button


def _add(rows: list[Row], change: LayerEdit) -> tuple[list[Row], EditResult]:
    row, fits = new_row(change.kind), True
    if change.after.isascii() and change.after.isdecimal():
        place = int(change.after) + 1
    else:
        place, fits = _last_fitting_place(rows, row)
    place = max(1, min(place, len(rows)))
    words = (
        _("Added %(kind)s as layer %(place)s.")
        if fits
        else _("Added %(kind)s as layer %(place)s, although it fits nowhere in this network.")
    ) % {"kind": change.kind, "place": place}
    return [*rows[:place], row, *rows[place:]], EditResult(place, "field", words)


def _last_fitting_place(rows: list[Row], row: Row) -> tuple[int, bool]:
    """The last place before the output where the layer fits, and True; if it fits nowhere, the last place and False.

    Also True if another layer is invalid, because then no place can be checked.
    """
    before, new = valid_layers(rows), valid_layers([row])
    complete = (
        len(before) == len(rows) and [one.shape for one in built_layers(before)[-1:]] == [(10,)] and len(rows) > 2
    )
    end = len(rows) - 1 if complete else len(rows)
    if len(before) < len(rows):
        return end, True
    fitting = (place for place in range(end, 0, -1) if _all_fit([*before[:place], *new, *before[place:]]))
    found = next(fitting, None)
    return (end, False) if found is None else (found, True)


def valid_layers(rows: Sequence[Row]) -> list[Layer]:
    """The leading layers that are valid on their own, up to the first invalid one."""
    found: list[Layer] = []
    for row in rows:
        try:
            found.append(LAYERS[row["kind"]].model_validate_json(json.dumps(read_row(row)[0])))
        except pydantic.ValidationError:
            break
    return found


def _all_fit(layers: Sequence[Layer]) -> bool:
    return len(built_layers(layers)) == len(layers) - 1


def built_layers(layers: Sequence[Layer]) -> list[LayerOutput]:
    """Shapes and parameter counts of the layers after Input, up to the first that does not fit."""
    found: list[LayerOutput] = []
    with suppress(LayerMismatch):
        for one in layer_outputs(layers):
            found.append(one)
    return found
