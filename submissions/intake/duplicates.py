"""Finds a group's earlier submission of the same model."""

from __future__ import annotations

from django.db.models import Case, IntegerField, When

from submissions.models import Group, Quest, State, Submission
from submissions.notation.writer import render
from submissions.specs.spec import Spec

# Prefer a submission with a score, then one that will soon have one.
PREFERRED_STATES = (State.SCORED, State.RUNNING, State.QUEUED)


def earlier_duplicate(spec: Spec, quest: Quest, group: Group | None) -> Submission | None:
    """The group's scored, else live, else latest submission of this model, on any device and engine."""
    if group is None:
        return None
    preference = Case(
        *(When(state=state, then=place) for place, state in enumerate(PREFERRED_STATES)),
        default=len(PREFERRED_STATES),
        output_field=IntegerField(),
    )
    same = Submission.objects.filter(quest=quest, group=group, family=spec.family, notation=render(spec))
    return same.order_by(preference, "-id").first()
