"""The input modes of the submit page: pasting text, and one form per family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from submissions.forms.network_form import NetworkForm
from submissions.forms.spec_fields import is_flat
from submissions.forms.submission_form import FamilyForm, PasteForm, SubmissionForm
from submissions.notation.reader import ParsedModel
from submissions.notation.writer import render
from submissions.quests.eligibility import Entry
from submissions.quests.presets import defaults, presets
from submissions.specs.families import Family, offered
from submissions.specs.spec import Spec

PASTE = PasteForm.mode

# Families that need more than one field per parameter.
FORMS: dict[str, type[FamilyForm]] = {"cnn": NetworkForm}


def modes() -> dict[str, str]:
    """Labels of the input modes, by name."""
    return {PASTE: _("Paste")} | {family.name: family.label for family in _families_with_form()}


def form_for(
    mode: str, entry: Entry, data: Any = None, *, preset: Spec | None = None, kept: Mapping[str, str] | None = None
) -> SubmissionForm:
    """The form of an input mode; an unknown mode gives the paste form.

    Without `data`, the form is filled in from the preset, if it fits, and from `kept`, the values of the other fields.
    """
    family = next((family for family in _families_with_form() if family.name == mode), None)
    if family:
        fitting = preset if isinstance(preset, family.spec) else None
        starting = fitting or (defaults(family, entry.quest) if data is None else None)
        form_of = FORMS.get(mode, FamilyForm)
        return form_of(data, entry=entry, family=family, preset=starting, initial=dict(kept or {}))
    text = render(preset) if preset else ""
    form = PasteForm(data, entry=entry, initial={"model": text, **(kept or {})})
    form.parsed = ParsedModel(preset) if preset else None
    return form


def examples(form: SubmissionForm) -> dict[str, Spec]:
    """The presets that fit this form."""
    found = presets(form.entry.quest)
    if isinstance(form, FamilyForm):
        return {name: spec for name, spec in found.items() if isinstance(spec, form.family.spec)}
    return found


def _families_with_form() -> list[Family]:
    return [family for family in offered() if family.name in FORMS or is_flat(family)]
