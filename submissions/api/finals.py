"""The endpoint that marks a submission as final."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from submissions.api.endpoint import Endpoint, StrictSerializer, validated
from submissions.api.error_schema import error_responses
from submissions.api.representations import SubmissionWhole
from submissions.api.requester import requesting_user
from submissions.api.submissions import full_representation, own_submission
from submissions.intake.finals import mark_final


class FinalRequest(StrictSerializer):
    final = serializers.BooleanField(help_text="true marks it as final, false removes the mark.")


class Final(Endpoint):
    @extend_schema(
        operation_id="submissions_final",
        summary="Mark a submission as final",
        description="While the quest is open, a group may mark up to `final_runs` submissions. At the reveal, the "
        "marked one with the best private score counts; without marks, the one with the best public score. 409 if the "
        "quest has no private images, it is too late, all marks are used, or this submission cannot be marked.",
        request=FinalRequest,
        responses={200: SubmissionWhole, **error_responses(400, 401, 403, 404, 409, 413, 415, 429)},
    )
    def post(self, request: Request, pk: int) -> Response:
        params = validated(FinalRequest, request.data, request)
        mark_final(own_submission(request, pk), user=requesting_user(request), final=params["final"])
        return Response(full_representation(request, pk))
