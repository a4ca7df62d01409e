"""Marking a submission as final, by program."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from submissions.api.endpoint import Endpoint, Strict, checked
from submissions.api.error_schema import refused
from submissions.api.representations import SubmissionWhole
from submissions.api.requester import who
from submissions.api.submissions import own, whole
from submissions.intake.finals import mark_final


class FinalRequest(Strict):
    final = serializers.BooleanField(help_text="true marks it, false takes the mark away.")


class Final(Endpoint):
    @extend_schema(
        operation_id="submissions_final",
        summary="Mark a submission as final",
        description="While the quest is open a group marks as many as the quest's `final_runs`; at the reveal it "
        "stands by the best of them on the private images – without any mark, by its best public score. 409 where it "
        "keeps no images back, it is too late, all marks are used, or this submission cannot have one.",
        request=FinalRequest,
        responses={200: SubmissionWhole, **refused(400, 401, 403, 404, 409, 413, 415, 429)},
    )
    def post(self, request: Request, pk: int) -> Response:
        asked = checked(FinalRequest, request.data, request)
        mark_final(own(request, pk), user=who(request), final=asked["final"])
        return Response(whole(request, pk))
