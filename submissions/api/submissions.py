"""Submitting, following and cancelling."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from submissions import intake, moves, notation
from submissions.api.acting import acting_group, only_quest, own_submissions, who
from submissions.api.endpoint import Endpoint, checked
from submissions.api.refusals import refused
from submissions.api.representations import SubmissionOut, SubmissionPage, SubmissionWhole
from submissions.api.requests import (
    IDEMPOTENCY_KEY,
    LONGEST_KEY,
    Nothing,
    SubmissionQuery,
    SubmissionRequest,
    idempotency_key,
)
from submissions.models import Quest, Submission

KEY_PARAMETER = OpenApiParameter(
    IDEMPOTENCY_KEY,
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="Makes a retry safe: the same key gives the same submission back.",
)


class Submissions(Endpoint):
    @extend_schema(
        operation_id="submissions_list",
        summary="Your group's submissions, newest first",
        parameters=[SubmissionQuery],
        responses={200: SubmissionPage, **refused(400, 401)},
    )
    def get(self, request: Request) -> Response:
        asked = checked(SubmissionQuery, request.query_params, request)
        limit = asked["limit"]
        found = list(_filtered(request, asked)[: limit + 1])
        page = SubmissionOut(found[:limit], many=True, context={"request": request})
        return Response({"next": _next(request, found, limit), "results": page.data})

    @extend_schema(
        operation_id="submissions_create",
        summary="Submit a model",
        description="201 for a new submission; 200 where an `Idempotency-Key` already stands for this one.",
        parameters=[KEY_PARAMETER],
        request=SubmissionRequest,
        responses={201: SubmissionWhole, 200: SubmissionWhole, **refused(400, 401, 403, 409, 413, 415, 429)},
    )
    def post(self, request: Request) -> Response:
        asked = checked(SubmissionRequest, request.data, request)
        key = idempotency_key(request)
        quest = asked.pop("quest", None) or _quest_of_earlier(request, key) or only_quest(request)
        reading = notation.model_from(asked.pop("model"), dataset=quest.dataset, limits=quest.limits)
        submission, new = intake.submit(
            quest=quest,
            submitter=who(request),
            group=acting_group(request, quest.course),
            spec=reading.spec,
            idempotency_key=key,
            **asked,
        )
        body = _whole(request, submission.pk)
        return Response(body, status=201 if new else 200, headers={"Location": body["url"]})


class OneSubmission(Endpoint):
    @extend_schema(
        operation_id="submissions_retrieve",
        summary="One submission, whole",
        responses={200: SubmissionWhole, **refused(400, 401, 404)},
    )
    def get(self, request: Request, pk: int) -> Response:
        checked(Nothing, request.query_params, request)
        return Response(_whole(request, pk))


class Cancel(Endpoint):
    @extend_schema(
        operation_id="submissions_cancel",
        summary="Cancel a submission",
        description="At once while it is queued; within about a second while it runs. 409 once it has ended.",
        request=None,
        responses={200: SubmissionWhole, **refused(401, 403, 404, 409)},
    )
    def post(self, request: Request, pk: int) -> Response:
        moves.cancel(_own(request, pk), user=who(request))
        return Response(_whole(request, pk))


def _own(request: Request, pk: int) -> Submission:
    submission = own_submissions(request).with_runs().filter(pk=pk).first()
    if submission is None:
        raise NotFound(f"There is no submission {pk} of yours.")
    return submission


def _whole(request: Request, pk: int) -> dict[str, Any]:
    return SubmissionWhole(_own(request, pk), context={"request": request}).data


def _quest_of_earlier(request: Request, key: str | None) -> Quest | None:
    """A retry means the quest of the first try, even if another has opened or that one has closed since."""
    if key is None:
        return None
    earlier = Submission.objects.filter(submitter=who(request), idempotency_key=key).select_related("quest__course")
    return next((submission.quest for submission in earlier), None)


def _filtered(request: Request, asked: dict[str, Any]) -> Any:
    columns = {"state": "state", "family": "family", "quest": "quest", "group": "group__name", "before": "pk__lt"}
    chosen = {column: asked[name] for name, column in columns.items() if name in asked}
    return own_submissions(request).with_runs().filter(**chosen).order_by("-pk")


def _next(request: Request, found: list[Submission], limit: int) -> str | None:
    if len(found) <= limit:
        return None
    return replace_query_param(request.build_absolute_uri(), "before", found[limit - 1].pk)
