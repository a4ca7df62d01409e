"""What the endpoints are asked: bodies, query parameters and headers, in their shape."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.request import Request

from submissions.api.endpoint import Strict
from submissions.api.fields import BIGGEST_ID, ModelField, QuestField
from submissions.families import registry
from submissions.intake import refuse
from submissions.models import Device, Engine, QuestState, State

IDEMPOTENCY_KEY = "Idempotency-Key"
LONGEST_KEY = 200


class SubmissionRequest(Strict):
    """A model to be trained."""

    quest = QuestField(required=False, help_text="Its id or name; may be left out where only one open quest fits.")
    model = ModelField()
    device = serializers.ChoiceField(
        Device.choices, required=False, help_text="Left out: the family's own, for a network whichever is free."
    )
    engine = serializers.ChoiceField(Engine.choices, required=False, help_text="The library that does the arithmetic.")
    note = serializers.CharField(
        required=False, allow_blank=True, max_length=2000, help_text="For your group and the instructors."
    )


class ModelRequest(Strict):
    """A model to be looked at."""

    model = ModelField()
    quest = QuestField(required=False, help_text="Whose data set and limits to hold it against.")


class Page(Strict):
    before = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text="Only those with a smaller id: what `next` asks for.",
    )
    limit = serializers.IntegerField(default=50, min_value=1, max_value=100, help_text="Results in one page.")


class SubmissionQuery(Page):
    state = serializers.ChoiceField(State.choices, required=False)
    family = serializers.CharField(required=False, help_text="knn, forest or cnn.")
    quest = QuestField(required=False, help_text="A quest's id or name.")
    group = serializers.CharField(required=False, max_length=60, help_text="A group's name.")

    def validate_family(self, name: str) -> str:
        known = [family.name for family in registry.families()]
        if name not in known:
            raise serializers.ValidationError(f"There is no family {name[:60]!r}; there are {', '.join(known)}.")
        return name


class QuestQuery(Strict):
    state = serializers.ChoiceField(QuestState.choices, required=False)


class Nothing(Strict):
    """No parameter at all."""


def idempotency_key(request: Request) -> str | None:
    """The header's value, None without it; Refused if it could not be stored as it is."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise refuse(IDEMPOTENCY_KEY, f"Give 1 to {LONGEST_KEY} printable ASCII characters, such as a UUID.")
    return key
