"""The ways to submit by hand: a text that is pasted, or a form for each family. What is right is decided in `specs`."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from submissions.forms.spec_fields import OfferedChoice, filled_in, spec_fields, typed
from submissions.intake import submit as intake
from submissions.models import Device, Quest, Submission, User
from submissions.notation.reader import NotationError, ParsedModel, models_from
from submissions.quests.eligibility import Entry
from submissions.quests.refusal import Refused
from submissions.specs.engines import engine_named
from submissions.specs.families import Family
from submissions.specs.spec import Spec, SpecError, dump
from submissions.specs.validation import validate

LONGEST_NOTE = 2000
ASKED_FOR = ("acknowledged", "chosen")  # only where the text leaves something open
NOTATION = {"class": "notation", "spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}


class SlottedField(forms.BoundField):
    """A field whose errors have a place of their own, which is there before any error is."""

    @property
    def aria_describedby(self) -> str | None:
        if self.field.widget.attrs.get("aria-describedby") or not self.auto_id or self.is_hidden:
            return None
        return f"{self.auto_id}_errors {self.auto_id}_helptext" if self.help_text else f"{self.auto_id}_errors"


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
        # It stands behind what was understood, outside of the form's own element.
        widget=forms.Textarea(attrs={"rows": 2, "form": "submission"}),
    )
    engine = OfferedChoice(
        required=False,
        label=_("Engine"),
        help_text=_("The model is the same on each; the times are not. The board names the engine of every run."),
    )
    # What the shown boxes and choices stand for; their fields hold digests, so that another text asks again.
    acknowledged = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    chosen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    bound_field_class = SlottedField
    way = ""
    parsed: ParsedModel | None = None
    parsed_models: Sequence[ParsedModel] = ()

    def __init__(self, *args: Any, entry: Entry, **more: Any) -> None:
        self.entry = entry
        more.setdefault("initial", {})["quest"] = entry.quest
        super().__init__(*args, **more)
        self.label_suffix = ""
        choice = self.fields["quest"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = Quest.objects.filter(pk=entry.quest.pk)
        engine = self.fields["engine"]
        assert isinstance(engine, OfferedChoice)
        engine.choices = [(name, engine_named(name).label) for name in entry.quest.engines]

    def model_fields(self) -> list[forms.BoundField]:
        """Those that say what the model is."""
        raise NotImplementedError

    @property
    def told_beside(self) -> list[forms.BoundField]:
        """The fields that are seen, each with a place for its errors."""
        return self.visible_fields()

    @property
    def told_above(self) -> list[forms.BoundField]:
        """The fields whose errors have no place beside them; those of a box or choice that is asked for stand there."""
        return [field for field in self.hidden_fields() if field.name not in ASKED_FOR]

    def read(self) -> Sequence[ParsedModel]:
        """The models that one can choose from, mostly one; SpecError where there is none."""
        raise NotImplementedError

    def home_of(self, path: str) -> str | None:
        """The field beside which an error about `path` in the model is shown; None: above them all."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.parsed_models = self.read()
                self._choose(cleaned)
            except SpecError as refusal:
                self.refuse(refusal.errors)
        return cleaned

    def _choose(self, cleaned: dict[str, Any]) -> None:
        chosen = [parsed for parsed in self.parsed_models if cleaned.get("chosen") == choice_of(parsed)]
        self.parsed = next(iter(chosen or (self.parsed_models if len(self.parsed_models) == 1 else ())), None)
        if self.parsed is None:
            self.add_error("chosen", _("There are several models in this text: choose one of them."))
        elif self.parsed.consequential and cleaned.get("acknowledged") != digest_of(self.parsed):
            self.add_error("acknowledged", _("Some lines are left aside that may change your score: agree to that."))

    def refuse(self, errors: Sequence[dict[str, str]]) -> None:
        for error in errors:
            path = error["field"]
            home = path if path in ("device", "engine", "note") and path in self.fields else self.home_of(path)
            self.add_error(home, error["message"])

    def submit(self, submitter: User) -> Submission | None:
        """Submit what was read; None, with the errors in their places, where it is refused."""
        assert self.parsed is not None
        try:
            return intake.submit(
                quest=self.entry.quest,
                submitter=submitter,
                group=self.entry.group,
                spec=self.parsed.spec,
                device=self.cleaned_data.get("device", ""),
                engine=self.cleaned_data["engine"],
                note=self.cleaned_data["note"],
                idempotency_key=self._once(),
            )[0]
        except Refused as refusal:
            self.refuse(refusal.errors)
            return None

    def _once(self) -> str:
        """A key that a second click repeats – and that another model has not, after going back and changing it."""
        assert self.parsed is not None
        chosen = [self.entry.quest.pk, dump(self.parsed.spec), self.cleaned_data.get("device", "")]
        chosen += [self.cleaned_data["engine"], self.cleaned_data["note"]]
        return f"form:{self.cleaned_data['key'] or uuid.uuid4()}:{_digest(chosen)}"


def choice_of(parsed: ParsedModel) -> str:
    """What stands for this model of several in a form."""
    return _digest(dump(parsed.spec))


def digest_of(parsed: ParsedModel) -> str:
    """What stands for having seen all that may change the score."""
    return _digest([dump(parsed.spec), parsed.consequential])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def device_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=[("", _("the usual one for this model")), *Device.choices],
        required=False,
        label=_("Device"),
        help_text=_("Networks run on CPU or GPU; nearest neighbours and forests on the CPU."),
    )


class PasteForm(SubmissionForm):
    """The notation, as it stands in a notebook."""

    way = "paste"

    model = forms.CharField(
        strip=False,
        label=_("Your model"),
        help_text=_("A scikit-learn constructor, Keras code with compile and fit, or JSON. It is read, never run."),
        error_messages={"required": _("Paste a model here, or start from an example.")},
        widget=forms.Textarea(attrs={"rows": 16, **NOTATION}),
    )
    device = device_field()
    field_order = ["quest", "key", "model", "device", "note"]

    def model_fields(self) -> list[forms.BoundField]:
        return [self["model"]]

    def read(self) -> Sequence[ParsedModel]:
        quest = self.entry.quest
        return models_from(self.cleaned_data["model"], dataset=quest.dataset, limits=quest.limits)

    def home_of(self, path: str) -> str | None:
        return None if path in ("quest", "group", "") else "model"

    def refuse(self, errors: Sequence[dict[str, str]]) -> None:
        super().refuse([_with_path(error) for error in errors])


def _with_path(error: dict[str, str]) -> dict[str, str]:
    """In one box for everything the message must say itself what it is about; notation's own begin with the line."""
    path, message = error["field"], error["message"]
    told = path in ("model", "quest", "group", "device", "engine", "") or message.startswith("Line ")
    return error if told else {"field": path, "message": f"{path}: {message}"}


class FamilyForm(SubmissionForm):
    """A field for each parameter of a family; an empty one means the default."""

    def __init__(self, *args: Any, family: Family, preset: Spec | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.family, self.way = family, family.name
        described = dict(self.described())
        self.paths = list(described)
        self.fields.update({inner(path): field for path, field in described.items()})
        if len(family.devices) > 1:
            self.fields["device"] = device_field()
        if preset:
            self.parsed = ParsedModel(preset)
            self.initial.update({inner(path): text for path, text in self.texts_of(preset).items()})

    def described(self) -> Iterator[tuple[str, forms.Field]]:
        """(path in the spec, field) for each thing that is asked."""
        return spec_fields(self.family)

    def texts_of(self, preset: Spec) -> dict[str, str]:
        """What stands in the fields, by path, where they say `preset`."""
        return {path: filled_in(self.fields[inner(path)], getattr(preset, path)) for path in self.paths}

    def model_fields(self) -> list[forms.BoundField]:
        return [self[inner(path)] for path in self.paths]

    def read(self) -> Sequence[ParsedModel]:
        quest, data = self.entry.quest, {"family": self.family.name, **self.data_of(self.paths)}
        return [ParsedModel(validate(data, dataset=quest.dataset, limits=quest.limits))]

    def home_of(self, path: str) -> str | None:
        first = path.split(".")[0]
        return inner(first) if first in self.paths else None

    def data_of(self, paths: Iterable[str]) -> dict[str, Any]:
        """What the fields say, the empty ones left out; SpecError where one holds no plain value."""
        data: dict[str, Any] = {}
        refused: list[dict[str, str]] = []
        for path in paths:
            text = self.cleaned_data[inner(path)].strip()
            try:
                data |= {path: typed(text, path)} if text else {}
            except NotationError as refusal:
                refused += [{"field": path, "message": error["message"]} for error in refusal.errors]
        if refused:
            raise SpecError(refused)
        return data


def inner(path: str) -> str:
    """The form field of a parameter, which might otherwise be named like one of the form's own."""
    return f"model_{path.replace('.', '_')}"
