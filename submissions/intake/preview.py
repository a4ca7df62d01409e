"""The facts about a parsed model that the submit page and the API show before it is submitted."""

from __future__ import annotations

from dataclasses import dataclass

from submissions.intake.duplicates import earlier_duplicate
from submissions.intake.submit import devices_for
from submissions.models import Group, Quest, Submission
from submissions.specs.families import Family, family_of
from submissions.specs.shapes import LayerRow, parameters, summary
from submissions.specs.spec import Spec


@dataclass(frozen=True, slots=True)
class ModelPreview:
    """`layers` is empty and `parameters` None for a family without layers; `parameters` is (trainable, fixed).

    `devices` lists the values that a submission may ask for, the default first. `earlier` is the group's submission
    of the same model to the same quest.
    """

    family: Family
    layers: list[LayerRow]
    parameters: tuple[int, int] | None
    devices: tuple[str, ...]
    earlier: Submission | None


def preview(spec: Spec, quest: Quest | None, group: Group | None) -> ModelPreview:
    """Without a quest or a group there is no earlier submission to find."""
    return ModelPreview(
        family=family_of(spec),
        layers=summary(spec),
        parameters=parameters(spec),
        devices=devices_for(spec),
        earlier=earlier_duplicate(spec, quest, group) if quest else None,
    )
