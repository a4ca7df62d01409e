"""Conditional responses: 304 when the client already has the current ETag."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `ETag` of an earlier response. If nothing has changed, the answer is 304 without a body.",
)
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200, 304],
    description="Changes whenever the response does.",
)
UNCHANGED = {304: OpenApiResponse(description="Nothing has changed since the response with this ETag.")}


def etag_of(*version: Any) -> str:
    # Weak: a proxy may compress the body, which still means the same.
    digest = hashlib.blake2b(json.dumps(version, default=str, sort_keys=True).encode(), digest_size=9)
    return f'W/"{digest.hexdigest()}"'


def matches_etag(request: Request | HttpRequest, etag: str) -> bool:
    """Whether the client already has the response with this ETag."""
    theirs = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in theirs or etag.removeprefix("W/") in {one.removeprefix("W/") for one in theirs}


def not_modified_or(request: Request, etag: str, body: Callable[[], Any]) -> Response:
    """The response of `body()`, or 304 without calling `body` if the client already has it."""
    response = Response(status=304) if matches_etag(request, etag) else Response(body())
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"  # may be stored, but must be revalidated each time
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return response
