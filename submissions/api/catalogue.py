"""Endpoints for quests, hardware, workers and the requesting user."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from submissions.api.endpoint import Endpoint, PublicEndpoint, validated
from submissions.api.error_schema import error_responses
from submissions.api.representations import HardwareOut
from submissions.api.requester import acting_group, open_quests, requesting_user, token_group
from submissions.api.requests import NoParameters, QuestQuery
from submissions.models import ApiToken, Extension, Group, Hardware, Quest, QuestState, Worker
from submissions.quests.quotas import Quota, deadline, extensions_of, is_open_for, quota
from submissions.specs import engines as known_engines


class QuestOut(serializers.ModelSerializer[Quest]):
    course = serializers.CharField(source="course.__str__", read_only=True)
    state = serializers.ChoiceField(QuestState.choices, read_only=True)
    engines = serializers.ListField(
        child=serializers.ChoiceField(known_engines.choices()),
        read_only=True,
        help_text="Engines that a submission may request.",
    )
    default_engine = serializers.ChoiceField(
        known_engines.choices(), read_only=True, help_text="The engine used when a submission names none."
    )
    accepting = serializers.SerializerMethodField(
        help_text="Whether the quest accepts submissions now; if you are signed in, by your group's own deadline."
    )

    class Meta:
        model = Quest
        fields: tuple[str, ...] = ("id", "name", "course", "state", "accepting", "announcement", "dataset")
        fields += ("private_share", "opens_at", "closes_at", "time_zone", "daily_quota", "min_interval_seconds")
        fields += ("group_limit", "run_seconds", "memory_mb", "max_epochs", "max_parameters", "max_trees")
        fields += ("engines", "default_engine", "exclusive", "board_needs_exclusive", "models_shown")
        fields += ("models_shown_from", "pseudonyms", "final_runs")

    def get_accepting(self, quest: Quest) -> bool:
        request = self.context["request"]
        return is_open_for(quest, acting_group(request, quest.course) if request.user.is_authenticated else None)


class QuestList(serializers.Serializer[Any]):
    results = QuestOut(many=True)


class Quests(PublicEndpoint):
    @extend_schema(
        operation_id="quests_list",
        summary="The quests, newest first",
        parameters=[QuestQuery],
        responses={200: QuestList, **error_responses(400, 401, 429)},
    )
    def get(self, request: Request) -> Response:
        params = validated(QuestQuery, request.query_params, request)
        chosen = {name: value for name, value in params.items() if value}
        quests = Quest.objects.visible_to(request.user).select_related("course").filter(**chosen)
        return Response({"results": QuestOut(quests, many=True, context={"request": request}).data})


class HardwareRow(HardwareOut):
    runs = serializers.IntegerField(help_text="Number of attempts run on it.")

    class Meta(HardwareOut.Meta):
        fields: tuple[str, ...] = (*HardwareOut.Meta.fields, "runs")


class HardwareList(serializers.Serializer[Any]):
    results = HardwareRow(many=True)


class AllHardware(PublicEndpoint):
    @extend_schema(
        operation_id="hardware_list",
        summary="Hardware that runs were measured on",
        responses={200: HardwareList, **error_responses(400, 401, 429)},
    )
    def get(self, request: Request) -> Response:
        validated(NoParameters, request.query_params, request)
        hardware = Hardware.objects.annotate(runs=Count("attempts")).order_by("pk")
        return Response({"results": HardwareRow(hardware, many=True).data})


class WorkerRow(serializers.ModelSerializer[Worker]):
    hardware = HardwareOut(read_only=True)
    running = serializers.IntegerField(help_text="Number of attempts running now.")

    class Meta:
        model = Worker
        fields: tuple[str, ...] = ("name", "device", "slots", "duty", "running", "version", "hardware", "started_at")
        fields += ("last_seen_at",)


class WorkerList(serializers.Serializer[Any]):
    results = WorkerRow(many=True)


class Workers(Endpoint):
    @extend_schema(
        operation_id="workers_list",
        summary="Workers that are online",
        responses={200: WorkerList, **error_responses(400, 401, 429)},
    )
    def get(self, request: Request) -> Response:
        validated(NoParameters, request.query_params, request)
        running = Count("attempts", filter=Q(attempts__ended_at=None))
        workers = Worker.objects.alive().select_related("hardware").annotate(running=running)
        return Response({"results": WorkerRow(workers, many=True).data})


class QuotaOut(serializers.Serializer[Quota]):
    limit = serializers.IntegerField(allow_null=True, help_text="Submissions per day; null if unlimited.")
    used = serializers.IntegerField(help_text="Submissions used today, in the quest's time zone.")
    left = serializers.IntegerField(allow_null=True, help_text="Submissions left today; null if unlimited.")
    next_at = serializers.DateTimeField(
        allow_null=True, help_text="When you can submit again; null if you can submit now."
    )


class ExtensionOut(serializers.ModelSerializer[Extension]):
    """An extension that an instructor granted beyond the quest's rules, with the reason."""

    class Meta:
        model = Extension
        fields: tuple[str, ...] = ("extra_submissions", "closes_at", "reason", "granted_at")


class OpenQuest(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    group = serializers.CharField(allow_null=True, help_text="The group you submit for; null for instructors.")
    quota = QuotaOut(allow_null=True, help_text="Null for instructors, who have no quota.")
    closes_at = serializers.DateTimeField(allow_null=True, help_text="Your group's deadline, including any extension.")
    extensions = ExtensionOut(many=True, help_text="Extensions granted to your group in this quest, newest first.")


class TokenOut(serializers.ModelSerializer[ApiToken]):
    class Meta:
        model = ApiToken
        fields: tuple[str, ...] = ("name", "scope")


class Person(serializers.Serializer[Any]):
    username = serializers.CharField()
    name = serializers.CharField()
    instructor = serializers.BooleanField()
    group = serializers.CharField(allow_null=True)
    course = serializers.CharField(allow_null=True)
    token = TokenOut(allow_null=True, help_text="The token used; null for a browser session.")
    quests = OpenQuest(many=True, help_text="Quests you can submit to now, with your remaining quota.")


class Me(Endpoint):
    @extend_schema(
        operation_id="me_retrieve",
        summary="Your account, your group and its quota",
        responses={200: Person, **error_responses(400, 401, 429)},
    )
    def get(self, request: Request) -> Response:
        validated(NoParameters, request.query_params, request)
        user, group = requesting_user(request), _group(request)
        person = {
            "username": user.username,
            "name": user.display_name,
            "instructor": user.is_staff,
            "group": group.name if group else None,
            "course": str(group.course) if group else None,
            "token": request.auth,
            "quests": [_open_quest(request, quest) for quest in open_quests(request)],
        }
        return Response(Person(person).data)


def _group(request: Request) -> Group | None:
    """The token's group, or the user's group in the newest course that is not archived."""
    if group := token_group(request):
        return group
    own = Group.objects.filter(memberships__user=requesting_user(request), course__archived=False)
    return own.select_related("course").order_by("-course__created_at").first()


def _open_quest(request: Request, quest: Quest) -> dict[str, Any]:
    group = acting_group(request, quest.course)
    return {
        "id": quest.pk,
        "name": quest.name,
        "group": group.name if group else None,
        "quota": quota(quest, group) if group else None,
        "closes_at": deadline(quest, group),
        "extensions": extensions_of(group, quest) if group else [],
    }
