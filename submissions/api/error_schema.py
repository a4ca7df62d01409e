"""The OpenAPI description of error responses, one shape for every status."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class ErrorEntry(serializers.Serializer[Any]):
    field = serializers.CharField(
        help_text="Path such as model.layers.2.kernel_size; empty if the error concerns no field."
    )
    message = serializers.CharField(help_text="The problem and how to fix it.")


class Refusal(serializers.Serializer[Any]):
    errors = ErrorEntry(many=True)  # type: ignore[assignment]


_MEANINGS = {
    400: "The request is invalid; each error names its field.",
    401: "The token is missing or unknown, or its owner has left the group.",
    403: "You, your group or the token are not allowed to do this, or the quest is closed.",
    404: "It does not exist, or you may not see it.",
    409: "It conflicts with the current state.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    429: "The quota is used up or there were too many requests. Retry-After gives the seconds to wait.",
}


def error_responses(*statuses: int) -> dict[int, OpenApiResponse]:
    return {status: OpenApiResponse(Refusal, _MEANINGS[status]) for status in statuses}
