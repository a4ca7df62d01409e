"""A group's earlier submission of the very same model."""

from __future__ import annotations

from django.db.models import Case, IntegerField, When

from submissions.models import Group, Quest, State, Submission
from submissions.notation.writer import render
from submissions.specs.spec import Spec

# What the one that is shown should have to tell: a score, else one that will be there soon.
MOST_TELLING = (State.SCORED, State.RUNNING, State.QUEUED)


def earlier_same(spec: Spec, quest: Quest, group: Group | None) -> Submission | None:
    """The one with a score, else a live one, else the latest; device and engine make no other model of it."""
    if group is None:
        return None
    telling = Case(
        *(When(state=state, then=place) for place, state in enumerate(MOST_TELLING)),
        default=len(MOST_TELLING),
        output_field=IntegerField(),
    )
    same = Submission.objects.filter(quest=quest, group=group, family=spec.family, notation=render(spec))
    return same.order_by(telling, "-id").first()
