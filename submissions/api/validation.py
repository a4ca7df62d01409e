"""The endpoint that previews a model before it is submitted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from submissions.api.endpoint import Endpoint, validated
from submissions.api.error_schema import error_responses
from submissions.api.fields import SpecField
from submissions.api.ignored_lines import LeftAside, ignored_lines
from submissions.api.requester import acting_group, open_quests
from submissions.api.requests import ModelRequest
from submissions.intake.preview import ModelPreview, preview
from submissions.models import Quest, State, Submission
from submissions.notation.reader import ParsedModel, model_from
from submissions.notation.writer import headline, render
from submissions.specs.spec import dump


class LayerOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.CharField()
    output_shape = serializers.ListField(child=serializers.IntegerField())
    trainable = serializers.IntegerField(help_text="Number of trainable parameters.")
    fixed = serializers.IntegerField(help_text="Number of non-trainable parameters.")


class Earlier(serializers.Serializer[Submission]):
    """Your group's submission of the same model to this quest, preferably one with a score."""

    id = serializers.IntegerField(source="pk")
    state = serializers.ChoiceField(State.choices)
    score = serializers.FloatField(source="accuracy", allow_null=True, help_text="Public accuracy, 0 to 1.")


class Understood(serializers.Serializer[Any]):
    family = serializers.CharField()
    spec = SpecField(help_text="The complete spec, including defaults.")
    notation = serializers.CharField(help_text="The model as a person would type it.")
    headline = serializers.CharField(help_text="The short form shown on the board and in the feed.")
    layers = LayerOut(many=True, help_text="The network's layers; empty for other families.")
    parameters = serializers.IntegerField(allow_null=True, help_text="Total of trainable and fixed parameters.")
    trainable = serializers.IntegerField(allow_null=True)
    fixed = serializers.IntegerField(allow_null=True)
    devices = serializers.ListField(
        child=serializers.CharField(), help_text="The values that `device` may take, the default first."
    )
    left_aside = LeftAside(help_text="The ignored lines of the text.")
    quest = serializers.IntegerField(allow_null=True, help_text="The quest whose limits were applied.")
    dataset = serializers.CharField()
    earlier = Earlier(allow_null=True, help_text="Your group's earlier submission of the same model; null if none.")


class Validate(Endpoint):
    only_computes = True

    @extend_schema(
        operation_id="models_validate",
        summary="Preview a model without submitting it",
        description="Runs nothing. Without `quest`, the only open quest applies, else MNIST and the service's limits.",
        request=ModelRequest,
        responses={200: Understood, **error_responses(400, 401, 403, 413, 415, 429)},
    )
    def post(self, request: Request) -> Response:
        params = validated(ModelRequest, request.data, request)
        quest = params.get("quest") or _only_open(request)
        dataset, limits = (quest.dataset, quest.limits) if quest else ("mnist", None)
        parsed = model_from(params["model"], dataset=dataset, limits=limits)
        facts = preview(parsed.spec, quest, acting_group(request, quest.course) if quest else None)
        body = {
            **_model_facts(parsed, facts),
            "quest": quest.pk if quest else None,
            "dataset": dataset,
            "earlier": Earlier(facts.earlier).data if facts.earlier else None,
        }
        return Response(body)


def _only_open(request: Request) -> Quest | None:
    quests = open_quests(request)
    return quests[0] if len(quests) == 1 else None


def _model_facts(parsed: ParsedModel, facts: ModelPreview) -> dict[str, Any]:
    trainable, fixed = facts.parameters or (None, None)
    return {
        "family": facts.family.name,
        "spec": dump(parsed.spec),
        "notation": render(parsed.spec),
        "headline": headline(parsed.spec),
        "layers": [asdict(row) for row in facts.layers],
        "parameters": sum(facts.parameters) if facts.parameters else None,
        "trainable": trainable,
        "fixed": fixed,
        "devices": list(facts.devices),
        "left_aside": ignored_lines(parsed),
    }
