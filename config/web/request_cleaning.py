"""Requests that are refused or corrected before Django reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext_lazy as _

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Respond = Callable[[HttpRequest], HttpResponseBase]
API = "/api/v1/"
CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252"}
UNSUPPORTED_CHARSET = _("Send the body as UTF-8: the charset in the Content-Type header is not supported.")


def refuse_unknown_charsets(application: Application) -> Application:
    """Answer 415 to an unknown charset: Django would decode the query string with it and fail before any middleware."""

    def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if _charset(environ.get("CONTENT_TYPE", "")) in CHARSETS:
            return application(environ, start_response)
        body = json.dumps({"errors": [{"field": "Content-Type", "message": str(UNSUPPORTED_CHARSET)}]}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("415 Unsupported Media Type", headers)
        return [body]

    return respond


def _charset(content_type: str) -> str:
    try:
        parameters = parse_header_parameters(content_type)[1]
    except (LookupError, ValueError):
        return ""
    return parameters.get("charset", "utf-8").strip().lower()


def add_missing_slash(get_response: Respond) -> Respond:
    """Serve an API address without its last slash directly: a redirect would lose the body or the token."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API) and not request.path_info.endswith("/"):
            request.path_info += "/"
            request.path += "/"
        return get_response(request)

    return middleware
