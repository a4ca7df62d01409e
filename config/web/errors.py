"""What a person, or a program that asked the API, is told when something is not there or went wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

_WORDS = {
    403: _("You may not see or do this."),
    404: _("There is nothing at this address."),
    500: _("Something went wrong on our side; nothing that you had submitted is lost."),
}


def _answer(request: HttpRequest, status: int) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"errors": [{"field": "", "message": str(_WORDS[status])}]}, status=status)
    return render(request, f"{status}.html", status=status)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 404)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 403)


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, 500)
