"""A network's layers in a form: read from its fields, added, removed and moved."""

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
ADDED = [kind for kind in LAYERS if kind != "Input"]
WHERE_IT_FITS = "fits"


@dataclass(frozen=True, slots=True)
class Touched:
    """What was done: where the keyboard should be afterwards – a layer's button, or its first field – and the words."""

    place: int
    control: str
    words: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a button asks for: `up-2`, `down-2`, `remove-2`, or `add` with a kind, and the layer that it goes after."""

    what: str
    place: int = 0
    kind: str = ""
    after: str = WHERE_IT_FITS

    @classmethod
    def asked(cls, data: Mapping[str, str]) -> Change:
        what, _dash, place = data.get("change", "").partition("-")
        number = int(place) if re.fullmatch(r"[0-9]{1,3}", place) else 0
        return cls(what, number, data.get("add-kind", ""), data.get("add-after", WHERE_IT_FITS))


class AddForm(forms.Form):
    """Which layer to add, and where."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in ADDED], label=gettext_lazy("Add a layer"))
    after = forms.ChoiceField(label=gettext_lazy("after"))

    def __init__(self, data: Mapping[str, str], rows: Sequence[Row]) -> None:
        super().__init__(prefix="add", initial={"kind": data.get("add-kind", ADDED[0])})
        self.label_suffix = ""
        after = self.fields["after"]
        assert isinstance(after, forms.ChoiceField)
        places = [(str(place), f"{place} {row['kind']}") for place, row in enumerate(rows)]
        after.choices = [(WHERE_IT_FITS, _("the last one where it fits")), *places]


def rows_in(data: Mapping[str, str]) -> list[Row]:
    """The layers as they stand in a form's fields, in order."""
    found: dict[int, Row] = defaultdict(dict)
    for name in data:
        if field := FIELD.fullmatch(name):
            found[int(field[1])][field[2]] = data[name]
    rows = (found[place] for place in sorted(found))
    return [row for row in rows if row.get("kind") in LAYERS][: MAX_LAYERS + 1]


def with_rows(data: Mapping[str, str], rows: Sequence[Row]) -> dict[str, str]:
    """The form's fields with these layers in place of its own."""
    kept = {name: data[name] for name in data if not FIELD.fullmatch(name)}
    return kept | {f"layer-{place}-{name}": row[name] for place, row in enumerate(rows) for name in row}


def rearranged(rows: Sequence[Row], change: Change) -> tuple[list[Row], Touched | None]:
    """The layers after a change; as they were, and None, where it asks for nothing that can be done."""
    listed, place = list(rows), change.place
    if change.what == "add" and change.kind in ADDED and len(listed) < MAX_LAYERS:
        return _added(listed, change)
    # Input is the first, and stays.
    if change.what == "remove" and 1 <= place < len(listed):
        gone = listed.pop(place)
        return listed, Touched(min(place, len(listed) - 1), "remove", _("%s is removed.") % gone["kind"])
    to = {"up": place - 1, "down": place + 1}.get(change.what, 0)
    if 1 <= place < len(listed) and 1 <= to < len(listed):
        listed[place], listed[to] = listed[to], listed[place]
        words = _("%(kind)s is layer %(place)s now.") % {"kind": listed[to]["kind"], "place": to}
        return listed, Touched(to, _still_there(change.what, to, len(listed)), words)
    return listed, None


def _still_there(button: str, place: int, length: int) -> str:
    """The button that was pressed, or its opposite where the layer has come to the end of its way."""
    ends = {"up": place == 1, "down": place == length - 1}
    return {"up": "down", "down": "up"}[button] if ends[button] else button


def _added(rows: list[Row], change: Change) -> tuple[list[Row], Touched]:
    row, fits = new_row(change.kind), True
    if change.after.isascii() and change.after.isdecimal():
        place = int(change.after) + 1
    else:
        place, fits = _fitting(rows, row)
    place = max(1, min(place, len(rows)))
    words = (
        _("%(kind)s is added as layer %(place)s.")
        if fits
        else _("%(kind)s fits nowhere in the network as it stands; it is added as layer %(place)s all the same.")
    ) % {"kind": change.kind, "place": place}
    return [*rows[:place], row, *rows[place:]], Touched(place, "field", words)


def _fitting(rows: list[Row], row: Row) -> tuple[int, bool]:
    """The last place where the network takes this layer, short of its output; else the last place at all, and False.

    True as well where nobody can say, some other layer being wrong by itself.
    """
    before, new = layers_of(rows), layers_of([row])
    complete = len(before) == len(rows) and [one.shape for one in built(before)[-1:]] == [(10,)] and len(rows) > 2
    end = len(rows) - 1 if complete else len(rows)
    if len(before) < len(rows):
        return end, True
    fitting = (place for place in range(end, 0, -1) if _fit([*before[:place], *new, *before[place:]]))
    found = next(fitting, None)
    return (end, False) if found is None else (found, True)


def layers_of(rows: Sequence[Row]) -> list[Layer]:
    """The layers, as far as each is one by itself."""
    found: list[Layer] = []
    for row in rows:
        try:
            found.append(LAYERS[row["kind"]].model_validate_json(json.dumps(read_row(row)[0])))
        except pydantic.ValidationError:
            break
    return found


def _fit(layers: Sequence[Layer]) -> bool:
    return len(built(layers)) == len(layers) - 1


def built(layers: Sequence[Layer]) -> list[LayerOutput]:
    """What the layers after Input give, as far as each fits what comes before it."""
    found: list[LayerOutput] = []
    with suppress(LayerMismatch):
        for one in layer_outputs(layers):
            found.append(one)
    return found
