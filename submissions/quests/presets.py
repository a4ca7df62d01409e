"""What a form can be filled with to start from: the families' presets that a quest would take."""

from __future__ import annotations

from collections.abc import Iterator

from submissions.models import Quest
from submissions.specs.families import Family, offered
from submissions.specs.spec import Spec, SpecError, dump
from submissions.specs.validation import validate


def presets(quest: Quest) -> dict[str, Spec]:
    """Every preset that fits the quest's images and limits, by name."""
    return {name: spec for family in offered() for name, spec in _fitting(family, quest)}


def defaults(family: Family, quest: Quest) -> Spec | None:
    """The model of which nothing was said but the family; None where there is no such thing."""
    try:
        return validate({"family": family.name}, dataset=quest.dataset, limits=quest.limits)
    except SpecError:
        return None


def _fitting(family: Family, quest: Quest) -> Iterator[tuple[str, Spec]]:
    for name, spec in family.presets.items():
        try:
            yield name, validate(dump(spec), dataset=quest.dataset, limits=quest.limits)
        except SpecError:
            continue
