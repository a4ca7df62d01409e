"""Request bodies, query parameters and headers of the submission endpoints."""

from __future__ import annotations

from typing import Any

from django.db.models import F, FloatField
from django.db.models.functions import Cast, NullIf
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from submissions.api.cursors import PagedQuery
from submissions.api.endpoint import StrictSerializer
from submissions.api.fields import ModelField, QuestField
from submissions.api.long_poll import LONGEST_S
from submissions.models import Device, QuestState, State
from submissions.models.submission import LONGEST_NOTE
from submissions.quests.refusal import refuse
from submissions.specs import engines, families

IDEMPOTENCY_KEY = "Idempotency-Key"
LONGEST_KEY = 200
# Sort keys of submission lists. `when` sorts by id: later submissions have larger, unique ids.
SORTED_BY: dict[str, tuple[Any, type]] = {
    "score": (Cast("correct", FloatField()) / NullIf(Cast("total", FloatField()), 0.0), float),
    "train": (F("score__attempt__train_s"), float),
    "parameters": (F("parameters"), int),
}
SORTS = [f"{sign}{name}" for name in ("when", *SORTED_BY) for sign in ("", "-")]


class SubmissionRequest(StrictSerializer):
    """A model to be trained."""

    quest = QuestField(required=False, help_text="The quest's id or name. Optional if only one quest is open to you.")
    model = ModelField()
    device = serializers.ChoiceField(
        Device.choices,
        required=False,
        help_text="Default: `auto` for a network, which takes whichever is free; otherwise `cpu`.",
    )
    engine = serializers.ChoiceField(
        engines.choices(), required=False, help_text="How the model is computed. Default: the quest's default_engine."
    )
    note = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=LONGEST_NOTE,
        help_text="Only your group and the instructors see it.",
    )


class ModelRequest(StrictSerializer):
    """A model to preview."""

    model = ModelField()
    quest = QuestField(required=False, help_text="Quest whose data set and limits apply.")


class SubmissionQuery(PagedQuery):
    limit = serializers.IntegerField(default=50, min_value=1, max_value=100, help_text="Results per page.")
    sort = serializers.ChoiceField(SORTS, default="-when", help_text="A leading minus sorts in descending order.")
    state = serializers.ChoiceField(State.choices, required=False, allow_blank=True)
    family = serializers.CharField(required=False, allow_blank=True, help_text="knn, forest or cnn.")
    quest = QuestField(required=False, help_text="A quest's id or name.")
    group = serializers.CharField(required=False, allow_blank=True, max_length=60, help_text="A group's name.")
    device = serializers.ChoiceField(
        Device.choices, required=False, allow_blank=True, help_text="The requested device."
    )
    since = serializers.DateTimeField(
        required=False, help_text="Earliest submission time, for example 2026-10-12T11:13:00Z."
    )

    def validate_family(self, name: str) -> str:
        known = [family.name for family in families.all_families()]
        if name and name not in known:
            words = _("There is no family %(name)r. The families are %(known)s.")
            raise serializers.ValidationError(words % {"name": name[:60], "known": ", ".join(known)})
        return name


class QuestQuery(StrictSerializer):
    state = serializers.ChoiceField(QuestState.choices, required=False, allow_blank=True)


class WaitQuery(StrictSerializer):
    wait = serializers.FloatField(
        default=0,
        min_value=0,
        max_value=LONGEST_S,
        help_text="Maximum seconds to wait for a change of state or progress.",
    )


class NoParameters(StrictSerializer):
    """For endpoints without query parameters."""


def idempotency_key(request: Request) -> str | None:
    """The header's value or None. Raises Refused if the value cannot be stored unchanged."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        words = _("Give 1 to %(most)s printable ASCII characters, for example a UUID.")
        raise refuse(IDEMPOTENCY_KEY, words % {"most": LONGEST_KEY})
    return key
