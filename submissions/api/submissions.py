"""Endpoints to submit, list, follow and cancel submissions."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from submissions.api import cursors, long_poll
from submissions.api.conditional import ETAG, IF_NONE_MATCH, UNCHANGED, etag_of, matches_etag, not_modified_or
from submissions.api.endpoint import Endpoint, validated
from submissions.api.error_schema import error_responses
from submissions.api.ignored_lines import Submitted, ignored_lines
from submissions.api.representations import SubmissionOut, SubmissionPage, SubmissionWhole
from submissions.api.requester import acting_group, only_quest, own_submissions, requesting_user
from submissions.api.requests import (
    IDEMPOTENCY_KEY,
    LONGEST_KEY,
    SORTED_BY,
    SubmissionQuery,
    SubmissionRequest,
    WaitQuery,
    idempotency_key,
)
from submissions.database.keyset_pages import Key, beyond, ordering
from submissions.intake.submit import submit
from submissions.models import Quest, Submission
from submissions.models.submission import SubmissionQuerySet
from submissions.notation.reader import model_from
from submissions.queue import lifecycle

KEY_PARAMETER = OpenApiParameter(
    IDEMPOTENCY_KEY,
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="Makes retries safe: the same key returns the same submission.",
)
RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    {"type": "integer"},
    OpenApiParameter.HEADER,
    response=[200, 304],
    description="Set if the request could not wait: seconds until you should ask again.",
)


class Submissions(Endpoint):
    @extend_schema(
        operation_id="submissions_list",
        summary="Your group's submissions, newest first",
        parameters=[SubmissionQuery],
        responses={200: SubmissionPage, **error_responses(400, 401, 429)},
    )
    def get(self, request: Request) -> Response:
        params = validated(SubmissionQuery, request.query_params, request)
        keys = _keys(params["sort"])
        rows = _sorted(_filtered(request, params), params["sort"], keys)
        if place := cursors.read(params, keys):
            rows = rows.filter(beyond(keys, place))
        found, next_url = cursors.page(request, rows[: params["limit"] + 1], keys, limit=params["limit"])
        results = SubmissionOut(found, many=True, context={"request": request})
        return Response({"next": next_url, "results": results.data})

    @extend_schema(
        operation_id="submissions_create",
        summary="Submit a model",
        description="201 for a new submission; 200 if this `Idempotency-Key` was already used for it. Check "
        "`left_aside`: a model is accepted even if ignored lines may change its score.",
        parameters=[KEY_PARAMETER],
        request=SubmissionRequest,
        responses={201: Submitted, 200: Submitted, **error_responses(400, 401, 403, 409, 413, 415, 429)},
    )
    def post(self, request: Request) -> Response:
        params = validated(SubmissionRequest, request.data, request)
        key = idempotency_key(request)
        earlier = _quest_of_first_request(request, key)
        quest = params.pop("quest", None) or earlier or only_quest(request)
        # A retry must match the first request, even if limits have been tightened since.
        limits = None if earlier == quest else quest.limits
        parsed = model_from(params.pop("model"), dataset=quest.dataset, limits=limits)
        submission, new = submit(
            quest=quest,
            submitter=requesting_user(request),
            group=acting_group(request, quest.course),
            spec=parsed.spec,
            idempotency_key=key,
            **params,
        )
        body = {**full_representation(request, submission.pk), "left_aside": ignored_lines(parsed)}
        return Response(body, status=201 if new else 200, headers={"Location": body["url"]})


class OneSubmission(Endpoint):
    @extend_schema(
        operation_id="submissions_retrieve",
        summary="One submission in full",
        description="With `wait`, while it is queued or running, the response waits for a change of state or progress "
        "since the `ETag` in `If-None-Match`, if sent. If too many requests are waiting, the response comes at once "
        "with `Retry-After`.",
        parameters=[WaitQuery, IF_NONE_MATCH, ETAG, RETRY_AFTER],
        responses={200: SubmissionWhole, **UNCHANGED, **error_responses(400, 401, 404, 429)},
    )
    def get(self, request: Request, pk: int) -> Response:
        seconds = validated(WaitQuery, request.query_params, request)["wait"]
        # Read the marker before the rest: a change in between must end the wait.
        before = long_poll.progress_marker(pk) if seconds else None
        submission, body = _own_in_full(request, pk)
        should_wait = seconds > 0 and submission.is_live and not _is_outdated(request, body)
        read = partial(long_poll.progress_marker, pk)
        waited = should_wait and long_poll.wait_for_change(read, before, seconds=seconds)
        if waited:
            body = full_representation(request, pk)
        response = not_modified_or(request, _etag(body), lambda: body)
        if should_wait and not waited:
            response["Retry-After"] = "1"
        return response


class Cancel(Endpoint):
    @extend_schema(
        operation_id="submissions_cancel",
        summary="Cancel a submission",
        description="Immediate while it is queued; takes about a second while it runs. 409 once it has ended.",
        request=None,
        responses={200: SubmissionWhole, **error_responses(401, 403, 404, 409, 429)},
    )
    def post(self, request: Request, pk: int) -> Response:
        lifecycle.cancel(own_submission(request, pk), user=requesting_user(request))
        return Response(full_representation(request, pk))


def _is_outdated(request: Request, body: dict[str, Any]) -> bool:
    """Whether the client's ETag is out of date, so that it should get this response without waiting."""
    return IF_NONE_MATCH.name in request.headers and not matches_etag(request, _etag(body))


def _etag(body: dict[str, Any]) -> str:
    # Predictions change every second and are not worth a response.
    return etag_of({name: value for name, value in body.items() if not name.startswith("predicted_")})


def own_submission(request: Request, pk: int) -> Submission:
    submission = own_submissions(request).with_runs().filter(pk=pk).first()
    if submission is None:
        raise NotFound(_("You have no submission %(id)s.") % {"id": pk})
    return submission


def _own_in_full(request: Request, pk: int) -> tuple[Submission, dict[str, Any]]:
    submission = own_submission(request, pk)
    return submission, SubmissionWhole(submission, context={"request": request}).data


def full_representation(request: Request, pk: int) -> dict[str, Any]:
    return _own_in_full(request, pk)[1]


def _quest_of_first_request(request: Request, key: str | None) -> Quest | None:
    """The first request's quest, which a retry reuses even if other quests have opened or this one has closed since."""
    if key is None:
        return None
    user = requesting_user(request)
    earlier = Submission.objects.filter(submitter=user, idempotency_key=key).select_related("quest__course")
    return next((submission.quest for submission in earlier), None)


def _filtered(request: Request, params: dict[str, Any]) -> SubmissionQuerySet:
    columns = {"group": "group__name", "since": "submitted_at__gte"}
    columns |= {name: name for name in ("state", "family", "quest", "device")}
    chosen = {column: params[name] for name, column in columns.items() if params.get(name)}
    return own_submissions(request).with_runs().filter(**chosen)


def _keys(sort: str) -> list[Key]:
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    newest = Key("pk", int, descending=descending or name != "when")
    if name == "when":
        return [newest]
    return [Key("sorted_by", SORTED_BY[name][1], descending=descending, nullable=True), newest]


def _sorted(rows: SubmissionQuerySet, sort: str, keys: list[Key]) -> SubmissionQuerySet:
    value = SORTED_BY.get(sort.removeprefix("-"))
    return (rows.annotate(sorted_by=value[0]) if value else rows).order_by(*ordering(keys))
