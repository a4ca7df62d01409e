"""Where the notebook client is to be had: a page with the line that installs it, and the wheel."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from submissions.client_wheel import wheel


@require_safe
def client_page(request: HttpRequest) -> HttpResponse:
    context = {"wheel": wheel(), "wheel_url": wheel_url(request), "service": request.build_absolute_uri("/")[:-1]}
    return render(request, "submissions/client.html", context)


@require_safe
def client_wheel(request: HttpRequest, filename: str) -> HttpResponse:
    if filename != wheel().filename:
        raise Http404
    return HttpResponse(wheel().content, content_type="application/zip")


def wheel_url(request: HttpRequest) -> str:
    """The wheel's whole address, as pip wants it."""
    return request.build_absolute_uri(reverse("submissions:client_wheel", args=[wheel().filename]))
