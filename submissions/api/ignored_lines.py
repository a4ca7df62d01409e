"""The ignored lines of a submitted text, as the API reports them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from submissions.api.representations import SubmissionWhole
from submissions.notation.reader import ParsedModel


class LeftAside(serializers.Serializer[Any]):
    """The ignored lines of a text."""

    harmless = serializers.ListField(
        child=serializers.CharField(), help_text="Ignored lines with no effect on the model."
    )
    consequential = serializers.ListField(
        child=serializers.CharField(), help_text="Ignored lines that may change the score, each with the reason."
    )


class Submitted(SubmissionWhole):
    """A new submission with the ignored lines of its text."""

    left_aside = LeftAside(help_text="The ignored lines of the text; empty if the model was an object.")

    class Meta(SubmissionWhole.Meta):
        fields = (*SubmissionWhole.Meta.fields, "left_aside")
        read_only_fields: tuple[str, ...] = fields


def ignored_lines(parsed: ParsedModel) -> dict[str, list[str]]:
    return {"harmless": list(parsed.harmless), "consequential": list(parsed.consequential)}
