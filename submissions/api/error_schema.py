"""How OpenAPI describes refusals: the one shape, under each status."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class ErrorEntry(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Path such as model.layers.2.kernel_size; empty if no field is to blame.")
    message = serializers.CharField(help_text="What is wrong, and what would be right.")


class Refusal(serializers.Serializer[Any]):
    errors = ErrorEntry(many=True)  # type: ignore[assignment]


_MEANINGS = {
    400: "Something in the request is not allowed; each error names its field.",
    401: "No token, one that is not known, or one whose holder has left its group.",
    403: "The person, the group or the token may not do this, or the quest is closed.",
    404: "There is no such thing, or none that you may see.",
    409: "It contradicts what is already there.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    429: "The quota is used up, or there were too many requests; Retry-After says for how many seconds.",
}


def refused(*statuses: int) -> dict[int, OpenApiResponse]:
    return {status: OpenApiResponse(Refusal, _MEANINGS[status]) for status in statuses}
