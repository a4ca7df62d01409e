"""One shape for every refusal: {"errors": [{"field": path, "message": …}]}."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotAuthenticated,
    UnsupportedMediaType,
    ValidationError,
)
from rest_framework.response import Response
from rest_framework.views import exception_handler

from submissions.notation.reader import NotationError
from submissions.quests.refusal import Refused
from submissions.queue.lifecycle import MoveRefused
from submissions.specs.spec import SpecError

TOKEN_HINT = _("Create a token on your group's page and send it in the header Authorization: Token …")


def error_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Domain errors become 4xx responses, because the caller can fix them."""
    match error:
        case Refused():
            return _refusal_response(error)
        case SpecError() | NotationError():
            return Response({"errors": [_with_model_prefix(entry) for entry in error.errors]}, status=400)
        case MoveRefused():
            return _single_error(str(error), status=409)
        case RequestDataTooBig():
            return _single_error(gettext("The body is too large."), status=413)
        case UnsupportedMediaType():
            return _single_error(
                gettext("Send the body as JSON with the header Content-Type: application/json."), status=415
            )
        case SuspiciousOperation() | MultiPartParserError():
            return _single_error(gettext("The request cannot be read."), status=400)
    response = exception_handler(error, context)
    if response is not None:
        response.data = {"errors": list(_error_entries(error))}
    return response


def _single_error(message: str, *, status: int) -> Response:
    return Response({"errors": [{"field": "", "message": message}]}, status=status)


def _refusal_response(refusal: Refused) -> Response:
    response = Response({"errors": list(refusal.errors)}, status=refusal.status)
    if refusal.retry_after is not None:
        response["Retry-After"] = str(math.ceil(refusal.retry_after.total_seconds()))
    return response


def _with_model_prefix(entry: dict[str, str]) -> dict[str, str]:
    name = entry["field"]
    return {**entry, "field": name if name in ("", "model") else f"model.{name}"}


def _error_entries(error: Exception) -> Iterator[dict[str, str]]:
    if isinstance(error, ValidationError):
        yield from _flatten("", error.detail)
    elif isinstance(error, NotAuthenticated | AuthenticationFailed):
        yield {"field": "", "message": f"{error.detail} {TOKEN_HINT}"}
    elif isinstance(error, APIException):
        yield {"field": "", "message": str(error.detail)}
    else:
        yield {"field": "", "message": str(error) or gettext("Not found.")}


def _flatten(path: str, detail: Any) -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flatten(f"{path}.{name}".strip(".") if name != "non_field_errors" else path, inner)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flatten(path, inner)
    else:
        yield {"field": path, "message": str(detail)}
