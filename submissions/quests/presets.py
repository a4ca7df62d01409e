"""The families' presets that a quest accepts, as starting points for a form."""

from __future__ import annotations

from collections.abc import Iterator

from submissions.models import Quest
from submissions.specs.families import Family, offered
from submissions.specs.spec import Spec, SpecError, dump
from submissions.specs.validation import validate


def presets(quest: Quest) -> dict[str, Spec]:
    """All presets that fit the quest's images and limits, by name."""
    return {name: spec for family in offered() for name, spec in _accepted_presets(family, quest)}


def defaults(family: Family, quest: Quest) -> Spec | None:
    """The family's model with default parameters; None if it has none or the quest does not accept it."""
    try:
        return validate({"family": family.name}, dataset=quest.dataset, limits=quest.limits)
    except SpecError:
        return None


def _accepted_presets(family: Family, quest: Quest) -> Iterator[tuple[str, Spec]]:
    for name, spec in family.presets.items():
        try:
            yield name, validate(dump(spec), dataset=quest.dataset, limits=quest.limits)
        except SpecError:
            continue
