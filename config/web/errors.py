"""The error pages, and the same errors as JSON under /api/."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

_MESSAGES = {
    403: _("You do not have permission to see or do this."),
    404: _("This page does not exist."),
    500: _("Something went wrong on our side. Your submissions are safe."),
}


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error_response(request, 404)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error_response(request, 403)


def server_error(request: HttpRequest) -> HttpResponse:
    return _error_response(request, 500)


def _error_response(request: HttpRequest, status: int) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"errors": [{"field": "", "message": str(_MESSAGES[status])}]}, status=status)
    return render(request, f"{status}.html", status=status)
