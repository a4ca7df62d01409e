"""The submit page's forms: pasted text, or fields for a family's parameters. The specs validate the model."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from submissions.forms.spec_fields import OfferedChoice, field_text, parse_value, spec_fields
from submissions.intake import submit as intake
from submissions.models import Device, Quest, Submission, User
from submissions.models.submission import LONGEST_NOTE
from submissions.notation.reader import NotationError, ParsedModel, models_from
from submissions.quests.eligibility import Entry
from submissions.quests.refusal import Refused
from submissions.specs.engines import engine_named
from submissions.specs.families import Family
from submissions.specs.spec import Spec, SpecError, dump
from submissions.specs.validation import validate

ON_DEMAND = ("acknowledged", "chosen")  # shown only if the text needs a confirmation or a choice
NOTATION = {"class": "notation", "spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}


class FieldWithErrorSlot(forms.BoundField):
    """A bound field whose error element exists before there are errors, so that htmx can fill it."""

    @property
    def aria_describedby(self) -> str | None:
        if self.field.widget.attrs.get("aria-describedby") or not self.auto_id or self.is_hidden:
            return None
        return f"{self.auto_id}_errors {self.auto_id}_helptext" if self.help_text else f"{self.auto_id}_errors"


class SubmissionForm(forms.Form):
    """The fields common to all input modes. Subclasses read the model and decide where its errors are shown."""

    quest = forms.ModelChoiceField(
        Quest.objects.none(),
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": _("That quest is not accepting submissions. Choose another one.")},
    )
    key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput, initial=uuid.uuid4)
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE,
        label=_("Note"),
        help_text=_("What you are trying, and why. Only your group and the instructors see it."),
        # Rendered after the preview, outside the form element.
        widget=forms.Textarea(attrs={"rows": 2, "form": "submission"}),
    )
    engine = OfferedChoice(
        required=False,
        label=_("Engine"),
        help_text=_("Engines train the same model at different speeds. The board shows each run’s engine."),
    )
    # These hold digests of the shown lines and models, so that an edited text must be confirmed again.
    acknowledged = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    chosen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    bound_field_class = FieldWithErrorSlot
    mode = ""
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
        """The fields that describe the model."""
        raise NotImplementedError

    @property
    def fields_with_error_slot(self) -> list[forms.BoundField]:
        """The visible fields, each with its own error element."""
        return self.visible_fields()

    @property
    def fields_without_error_slot(self) -> list[forms.BoundField]:
        """The hidden fields whose errors are shown above the form. On-demand fields show theirs in the preview."""
        return [field for field in self.hidden_fields() if field.name not in ON_DEMAND]

    def read(self) -> Sequence[ParsedModel]:
        """The models found, usually one. Raises SpecError if there is none."""
        raise NotImplementedError

    def field_for_error(self, path: str) -> str | None:
        """The field that shows errors about `path` in the model; None shows them above the form."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.parsed_models = self.read()
                self._choose(cleaned)
            except SpecError as refusal:
                self.add_errors(refusal.errors)
        return cleaned

    def _choose(self, cleaned: dict[str, Any]) -> None:
        chosen = [parsed for parsed in self.parsed_models if cleaned.get("chosen") == choice_key(parsed)]
        self.parsed = next(iter(chosen or (self.parsed_models if len(self.parsed_models) == 1 else ())), None)
        if self.parsed is None:
            self.add_error("chosen", _("This text contains several models. Choose one."))
        elif self.parsed.consequential and cleaned.get("acknowledged") != acknowledgement_key(self.parsed):
            self.add_error("acknowledged", _("Some ignored lines may change your score. Confirm that you understand."))

    def add_errors(self, errors: Sequence[dict[str, str]]) -> None:
        for error in errors:
            path = error["field"]
            home = path if path in ("device", "engine", "note") and path in self.fields else self.field_for_error(path)
            self.add_error(home, error["message"])

    def submit(self, submitter: User) -> Submission | None:
        """Submit the parsed model. If it is refused, add the errors to the form and return None."""
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
                idempotency_key=self._idempotency_key(),
            )[0]
        except Refused as refusal:
            self.add_errors(refusal.errors)
            return None

    def _idempotency_key(self) -> str:
        """The same key for a second click, but a new one after going back and changing the model."""
        assert self.parsed is not None
        chosen = [self.entry.quest.pk, dump(self.parsed.spec), self.cleaned_data.get("device", "")]
        chosen += [self.cleaned_data["engine"], self.cleaned_data["note"]]
        return f"form:{self.cleaned_data['key'] or uuid.uuid4()}:{_digest(chosen)}"


def choice_key(parsed: ParsedModel) -> str:
    """The form value that identifies this model among several."""
    return _digest(dump(parsed.spec))


def acknowledgement_key(parsed: ParsedModel) -> str:
    """The form value that confirms the ignored lines of this model."""
    return _digest([dump(parsed.spec), parsed.consequential])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def device_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=[("", _("Automatic (recommended)")), *Device.choices],
        required=False,
        label=_("Device"),
        help_text=_("Networks run on the CPU or a GPU; nearest neighbours and forests run on the CPU."),
    )


class PasteForm(SubmissionForm):
    """Notation, pasted as from a notebook."""

    mode = "paste"

    model = forms.CharField(
        strip=False,
        label=_("Your model"),
        help_text=_("A scikit-learn constructor, Keras code with compile and fit, or JSON. Code is read, never run."),
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

    def field_for_error(self, path: str) -> str | None:
        return None if path in ("quest", "group", "") else "model"

    def add_errors(self, errors: Sequence[dict[str, str]]) -> None:
        super().add_errors([_naming_parameter(error) for error in errors])


def _naming_parameter(error: dict[str, str]) -> dict[str, str]:
    """Prefix the message with its path, since one box shows all errors. Notation errors already start with the line."""
    path, message = error["field"], error["message"]
    is_named = path in ("model", "quest", "group", "device", "engine", "") or message.startswith("Line ")
    return error if is_named else {"field": path, "message": f"{path}: {message}"}


class FamilyForm(SubmissionForm):
    """One field per parameter of a family; an empty field means the default."""

    def __init__(self, *args: Any, family: Family, preset: Spec | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.family, self.mode = family, family.name
        fields = dict(self.parameter_fields())
        self.paths = list(fields)
        self.fields.update({field_name(path): field for path, field in fields.items()})
        if len(family.devices) > 1:
            self.fields["device"] = device_field()
        if preset:
            self.parsed = ParsedModel(preset)
            self.initial.update({field_name(path): text for path, text in self.field_texts(preset).items()})

    def parameter_fields(self) -> Iterator[tuple[str, forms.Field]]:
        """(path in the spec, field) for each parameter."""
        return spec_fields(self.family)

    def field_texts(self, preset: Spec) -> dict[str, str]:
        """The field texts for `preset`, by path."""
        return {path: field_text(self.fields[field_name(path)], getattr(preset, path)) for path in self.paths}

    def model_fields(self) -> list[forms.BoundField]:
        return [self[field_name(path)] for path in self.paths]

    def read(self) -> Sequence[ParsedModel]:
        quest, data = self.entry.quest, {"family": self.family.name, **self.parse_fields(self.paths)}
        return [ParsedModel(validate(data, dataset=quest.dataset, limits=quest.limits))]

    def field_for_error(self, path: str) -> str | None:
        first = path.split(".")[0]
        return field_name(first) if first in self.paths else None

    def parse_fields(self, paths: Iterable[str]) -> dict[str, Any]:
        """The values of the non-empty fields, by path. Raises SpecError for fields that hold no plain value."""
        data: dict[str, Any] = {}
        refused: list[dict[str, str]] = []
        for path in paths:
            text = self.cleaned_data[field_name(path)].strip()
            try:
                data |= {path: parse_value(text, path)} if text else {}
            except NotationError as refusal:
                refused += [{"field": path, "message": error["message"]} for error in refusal.errors]
        if refused:
            raise SpecError(refused)
        return data


def field_name(path: str) -> str:
    """The form field's name for a parameter, prefixed to avoid clashes with the form's own fields."""
    return f"model_{path.replace('.', '_')}"
