"""What of a text was left aside, told with what was understood."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from submissions.api.representations import SubmissionWhole
from submissions.notation.reader import ParsedModel


class LeftAside(serializers.Serializer[Any]):
    """The lines of a text that are no part of the model."""

    harmless = serializers.ListField(child=serializers.CharField(), help_text="They say nothing of the model.")
    consequential = serializers.ListField(
        child=serializers.CharField(), help_text="They may change the score, and do not count here; each says why."
    )


class Submitted(SubmissionWhole):
    """A submission as it was taken in."""

    left_aside = LeftAside(help_text="What of the text was left aside; empty for an object.")

    class Meta(SubmissionWhole.Meta):
        fields = (*SubmissionWhole.Meta.fields, "left_aside")
        read_only_fields: tuple[str, ...] = fields


def left_aside(parsed: ParsedModel) -> dict[str, list[str]]:
    return {"harmless": list(parsed.harmless), "consequential": list(parsed.consequential)}
