"""What the endpoints are asked: bodies, query parameters and headers, in their shape."""

from __future__ import annotations

from typing import Any

from django.db.models import F, FloatField
from django.db.models.functions import Cast, NullIf
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from submissions.api.cursors import Paged
from submissions.api.endpoint import Strict
from submissions.api.fields import ModelField, QuestField
from submissions.api.long_poll import LONGEST_S
from submissions.models import Device, QuestState, State
from submissions.quests.refusal import refuse
from submissions.specs import engines, families

IDEMPOTENCY_KEY = "Idempotency-Key"
LONGEST_KEY = 200
# What a list of submissions can be sorted by. A later submission has a larger id, which is unique as well.
SORTED_BY: dict[str, tuple[Any, type]] = {
    "score": (Cast("correct", FloatField()) / NullIf(Cast("total", FloatField()), 0.0), float),
    "train": (F("score__attempt__train_s"), float),
    "parameters": (F("parameters"), int),
}
SORTS = [f"{sign}{name}" for name in ("when", *SORTED_BY) for sign in ("", "-")]


class SubmissionRequest(Strict):
    """A model to be trained."""

    quest = QuestField(required=False, help_text="Its id or name; may be left out where only one open quest fits.")
    model = ModelField()
    device = serializers.ChoiceField(
        Device.choices, required=False, help_text="Left out: the family's own, for a network whichever is free."
    )
    engine = serializers.ChoiceField(
        engines.choices(), required=False, help_text="How it is computed; left out, the quest's default_engine."
    )
    note = serializers.CharField(
        required=False, allow_blank=True, max_length=2000, help_text="For your group and the instructors."
    )


class ModelRequest(Strict):
    """A model to be looked at."""

    model = ModelField()
    quest = QuestField(required=False, help_text="Whose data set and limits to hold it against.")


class SubmissionQuery(Paged):
    limit = serializers.IntegerField(default=50, min_value=1, max_value=100, help_text="Results in one page.")
    sort = serializers.ChoiceField(SORTS, default="-when", help_text="A minus sorts descending.")
    state = serializers.ChoiceField(State.choices, required=False, allow_blank=True)
    family = serializers.CharField(required=False, allow_blank=True, help_text="knn, forest or cnn.")
    quest = QuestField(required=False, help_text="A quest's id or name.")
    group = serializers.CharField(required=False, allow_blank=True, max_length=60, help_text="A group's name.")
    device = serializers.ChoiceField(Device.choices, required=False, allow_blank=True, help_text="What was asked for.")
    since = serializers.DateTimeField(required=False, help_text="Submitted then or later: 2026-10-12T11:13:00Z.")

    def validate_family(self, name: str) -> str:
        known = [family.name for family in families.all_families()]
        if name and name not in known:
            words = _("There is no family %(name)r; there are %(known)s.")
            raise serializers.ValidationError(words % {"name": name[:60], "known": ", ".join(known)})
        return name


class QuestQuery(Strict):
    state = serializers.ChoiceField(QuestState.choices, required=False, allow_blank=True)


class Patience(Strict):
    wait = serializers.FloatField(
        default=0,
        min_value=0,
        max_value=LONGEST_S,
        help_text="Seconds to hold the answer until the state or the progress changes.",
    )


class Nothing(Strict):
    """No parameter at all."""


def idempotency_key(request: Request) -> str | None:
    """The header's value, None without it; Refused if it could not be stored as it is."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        words = _("Give 1 to %(most)s printable ASCII characters, such as a UUID.")
        raise refuse(IDEMPOTENCY_KEY, words % {"most": LONGEST_KEY})
    return key
