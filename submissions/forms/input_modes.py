"""The ways to submit by hand: pasting, and a form for each family."""

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

PASTE = PasteForm.way

# Families that need more than a field for each parameter.
FORMS: dict[str, type[FamilyForm]] = {"cnn": NetworkForm}


def ways() -> dict[str, str]:
    """The ways to submit, by name, with their labels."""
    return {PASTE: _("Paste")} | {family.name: family.label for family in _with_form()}


def form_for(
    way: str, entry: Entry, data: Any = None, *, preset: Spec | None = None, kept: Mapping[str, str] | None = None
) -> SubmissionForm:
    """The form for a way to submit – pasting where the way is unknown.

    Without `data` it is filled in with the preset, where that fits, and with `kept`: what was chosen beside the model.
    """
    family = next((family for family in _with_form() if family.name == way), None)
    if family:
        fitting = preset if isinstance(preset, family.spec) else None
        begun = fitting or (defaults(family, entry.quest) if data is None else None)
        form_of = FORMS.get(way, FamilyForm)
        return form_of(data, entry=entry, family=family, preset=begun, initial=dict(kept or {}))
    text = render(preset) if preset else ""
    form = PasteForm(data, entry=entry, initial={"model": text, **(kept or {})})
    form.parsed = ParsedModel(preset) if preset else None
    return form


def examples(form: SubmissionForm) -> dict[str, Spec]:
    """The presets that this form can be filled with."""
    found = presets(form.entry.quest)
    if isinstance(form, FamilyForm):
        return {name: spec for name, spec in found.items() if isinstance(spec, form.family.spec)}
    return found


def _with_form() -> list[Family]:
    return [family for family in offered() if family.name in FORMS or is_flat(family)]
