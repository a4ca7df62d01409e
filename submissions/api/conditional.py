"""Answers that are sent again only if they have changed."""

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
    description="The `ETag` of an earlier answer: 304, without a body, while nothing has changed.",
)
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200, 304],
    description="Differs whenever the answer does.",
)
UNCHANGED = {304: OpenApiResponse(description="Nothing has changed since the answer with that ETag.")}


def etag_of(*version: Any) -> str:
    # Weak: the same state says the same, though a proxy may have compressed it.
    digest = hashlib.blake2b(json.dumps(version, default=str, sort_keys=True).encode(), digest_size=9)
    return f'W/"{digest.hexdigest()}"'


def has_it(request: Request | HttpRequest, etag: str) -> bool:
    """Whether who asks has the answer of this ETag already."""
    theirs = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in theirs or etag.removeprefix("W/") in {one.removeprefix("W/") for one in theirs}


def unless_unchanged(request: Request, etag: str, body: Callable[[], Any]) -> Response:
    """What `body` gives; where the asker has it already, 304 without calling `body`."""
    response = Response(status=304) if has_it(request, etag) else Response(body())
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"  # to be kept, and asked about each time
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return response
