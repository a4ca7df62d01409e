"""Serializer fields for a model, a spec and a quest, with their OpenAPI descriptions."""

from __future__ import annotations

from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers

from submissions.models import Quest
from submissions.specs import families

MODEL_EXAMPLE = "KNeighborsClassifier(n_neighbors=4, weights='distance')"
BIGGEST_ID = 2**63 - 1


class ModelField(serializers.Field):
    """A submitted model: an object or text. `notation.reader.model_from` validates its content."""

    default_error_messages = dict.fromkeys(
        ("invalid", "required"),
        format_lazy(
            _('Give the model as text, such as "{example}", or as an object with a "family".'), example=MODEL_EXAMPLE
        ),
    )

    def to_internal_value(self, data: object) -> str | dict[str, Any]:
        if not isinstance(data, str | dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class SpecField(serializers.JSONField):
    """A validated spec, as returned by `specs.spec.dump`."""


class QuestField(serializers.Field):
    """A quest by id or name, among those visible to the user."""

    default_error_messages = {
        "invalid": _("Give a quest's id or its name."),
        "unknown": _("There is no quest {given!r}; GET /api/v1/quests/ lists them."),
        "several": _("Several quests have this name. Give an id: {ids}."),
    }

    def to_internal_value(self, data: object) -> Quest:
        if isinstance(data, bool) or not isinstance(data, str | int):
            self.fail("invalid")
        found = list(self._matching(data))
        if not found:
            self.fail("unknown", given=_abbreviated(data))
        if len(found) > 1:
            self.fail("several", ids=", ".join(str(quest.pk) for quest in found))
        return found[0]

    def _matching(self, data: str | int) -> list[Quest]:
        quests = Quest.objects.visible_to(self.context["request"].user).select_related("course")
        if isinstance(data, int) or (data.isascii() and data.isdigit() and len(data) < 20):
            return list(quests.filter(pk=int(data))) if int(data) <= BIGGEST_ID else []
        # PostgreSQL refuses queries with NUL in a text.
        return [] if "\0" in data else list(quests.filter(name=data))

    def to_representation(self, value: Quest) -> int:
        return value.pk


def _abbreviated(given: str | int) -> str | int:
    if isinstance(given, int):
        return given if abs(given) <= BIGGEST_ID else gettext("with such a large id")
    return given if len(given) <= 60 else f"{given[:60]}…"


class DescribeModel(OpenApiSerializerFieldExtension):
    """Describes a model as one of the families' schemas or a notation string."""

    target_class = ModelField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        notation = {
            "type": "string",
            "minLength": 1,
            "description": "Notation: a scikit-learn constructor or Keras Sequential code. Code is read, never run.",
            "examples": [MODEL_EXAMPLE],
        }
        return {"oneOf": [*_families(auto_schema), notation]}


class DescribeSpec(OpenApiSerializerFieldExtension):
    target_class = SpecField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"oneOf": _families(auto_schema)}


class DescribeQuest(OpenApiSerializerFieldExtension):
    target_class = QuestField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {
            "oneOf": [
                {"type": "integer", "minimum": 1, "maximum": BIGGEST_ID},
                {"type": "string", "minLength": 1, "maxLength": 120},
            ]
        }


def _families(auto_schema: Any) -> list[dict[str, str]]:
    """References to the families' schemas, which are registered as components with all their parts."""
    references = []
    for family in families.offered():
        schema = family.spec.model_json_schema(ref_template="#/components/schemas/{model}")
        parts = {
            **schema.pop("$defs", {}),
            family.spec.__name__: {**schema, "required": ["family", *_required_fields(schema)]},
        }
        for name, part in parts.items():
            component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, schema=part, object=name)
            auto_schema.registry.register_on_missing(component)
        references.append({"$ref": f"#/components/schemas/{family.spec.__name__}"})
    return references


def _required_fields(schema: dict[str, Any]) -> list[str]:
    return [name for name in schema.get("required", []) if name != "family"]
