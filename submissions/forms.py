"""The ways to submit by hand: a text that is pasted, or a form for each family. What is right is decided in `specs`."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from submissions import intake, notation
from submissions.entry import Entry
from submissions.families.registry import Family, offered
from submissions.models import Device, Quest, Submission, User
from submissions.notation import NotationError, Reading
from submissions.spec_fields import is_flat, spec_fields, typed
from submissions.specs import Spec, SpecError, dump, validate

PASTE = "paste"
LONGEST_NOTE = 2000


class SubmissionForm(forms.Form):
    """What every way to submit asks for. A subclass knows where the model comes from, and where its errors belong."""

    quest = forms.ModelChoiceField(
        Quest.objects.none(),
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": _("That quest takes no submissions now: choose another one.")},
    )
    key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput, initial=uuid.uuid4)
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE,
        label=_("Note"),
        help_text=_("For your group and the instructors alone: what you try, and why."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    reading: Reading | None = None

    def __init__(self, *args: Any, entry: Entry, **more: Any) -> None:
        self.entry = entry
        more.setdefault("initial", {})["quest"] = entry.quest
        super().__init__(*args, **more)
        self.label_suffix = ""
        choice = self.fields["quest"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = Quest.objects.filter(pk=entry.quest.pk)

    def model_fields(self) -> list[forms.BoundField]:
        """Those that say what the model is."""
        raise NotImplementedError

    def read(self) -> Reading:
        """The model; SpecError where there is none."""
        raise NotImplementedError

    def home_of(self, path: str) -> str | None:
        """The field beside which an error about `path` in the model is shown; None: above them all."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.reading = self.read()
            except SpecError as refusal:
                self.refuse(refusal.errors)
        return cleaned

    def refuse(self, errors: Sequence[dict[str, str]]) -> None:
        for error in errors:
            path = error["field"]
            home = path if path in ("device", "note") and path in self.fields else self.home_of(path)
            self.add_error(home, error["message"])

    def submit(self, submitter: User) -> Submission | None:
        """Submit what was read; None, with the errors in their places, where it is refused."""
        assert self.reading is not None
        try:
            return intake.submit(
                quest=self.entry.quest,
                submitter=submitter,
                group=self.entry.group,
                spec=self.reading.spec,
                device=self.cleaned_data.get("device", ""),
                note=self.cleaned_data["note"],
                idempotency_key=self._once(),
            )[0]
        except intake.Refused as refusal:
            self.refuse(refusal.errors)
            return None

    def _once(self) -> str:
        """A key that a second click repeats – and that another model has not, after going back and changing it."""
        assert self.reading is not None
        chosen = [self.entry.quest.pk, dump(self.reading.spec), self.cleaned_data.get("device", "")]
        digest = hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()
        return f"form:{self.cleaned_data['key'] or uuid.uuid4()}:{digest[:32]}"


def device_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=[("", _("the usual one for this model")), *Device.choices],
        required=False,
        label=_("Device"),
        help_text=_("Networks run on CPU or GPU; nearest neighbours and forests on the CPU."),
    )


class PasteForm(SubmissionForm):
    """The notation, as it stands in a notebook."""

    model = forms.CharField(
        strip=False,
        label=_("Your model"),
        help_text=_("A scikit-learn constructor, Keras code with compile and fit, or JSON. It is read, never run."),
        error_messages={"required": _("Paste a model here, or start from an example.")},
        widget=forms.Textarea(
            attrs={
                "class": "notation",
                "rows": 16,
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
                "hx-post": reverse_lazy("submissions:check"),
                "hx-trigger": "input changed delay:600ms",
                "hx-target": "#understood",
                "hx-swap": "outerHTML",
            }
        ),
    )
    device = device_field()
    field_order = ["quest", "key", "model", "device", "note"]

    def model_fields(self) -> list[forms.BoundField]:
        return [self["model"]]

    def read(self) -> Reading:
        quest = self.entry.quest
        return notation.model_from(self.cleaned_data["model"], dataset=quest.dataset, limits=quest.limits)

    def home_of(self, path: str) -> str | None:
        return None if path in ("quest", "group", "") else "model"

    def refuse(self, errors: Sequence[dict[str, str]]) -> None:
        super().refuse([_with_path(error) for error in errors])


def _with_path(error: dict[str, str]) -> dict[str, str]:
    """In one box for everything the message must say itself what it is about; notation's own begin with the line."""
    path, message = error["field"], error["message"]
    told = path in ("model", "quest", "group", "device", "") or message.startswith("Line ")
    return error if told else {"field": path, "message": f"{path}: {message}"}


class FamilyForm(SubmissionForm):
    """A field for each parameter of a family; an empty one means the default."""

    def __init__(self, *args: Any, family: Family, **more: Any) -> None:
        super().__init__(*args, **more)
        self.family = family
        self.names = []
        for name, field in spec_fields(family):
            self.names.append(name)
            self.fields[_inner(name)] = field
        if len(family.devices) > 1:
            self.fields["device"] = device_field()

    def model_fields(self) -> list[forms.BoundField]:
        return [self[_inner(name)] for name in self.names]

    def read(self) -> Reading:
        quest, data = self.entry.quest, {"family": self.family.name, **self._data()}
        return Reading(validate(data, dataset=quest.dataset, limits=quest.limits))

    def home_of(self, path: str) -> str | None:
        inner = _inner(path.split(".")[0])
        return inner if inner in self.fields else None

    def _data(self) -> dict[str, object]:
        data: dict[str, object] = {}
        refused: list[dict[str, str]] = []
        for name in self.names:
            text = self.cleaned_data[_inner(name)].strip()
            try:
                data |= {name: typed(text)} if text else {}
            except NotationError as refusal:
                refused += [{"field": name, "message": error["message"]} for error in refusal.errors]
        if refused:
            raise SpecError(refused)
        return data


def _inner(parameter: str) -> str:
    """The form field of a parameter, which might otherwise be named like one of the form's own."""
    return f"model_{parameter}"


def ways() -> dict[str, str]:
    """The ways to submit, by name, with their labels."""
    return {PASTE: str(_("Paste"))} | {family.name: family.label for family in offered() if is_flat(family)}


def form_for(way: str, entry: Entry, data: Any = None, *, preset: Spec | None = None) -> SubmissionForm:
    """The form for a way to submit – pasting where the way is unknown – with the preset in a new one's box."""
    family = next((family for family in offered() if family.name == way and is_flat(family)), None)
    if family:
        return FamilyForm(data, entry=entry, family=family)
    form = PasteForm(data, entry=entry, initial={"model": notation.render(preset) if preset else ""})
    form.reading = Reading(preset) if preset else None
    return form
