"""The notebook client's page: the pip command and the wheels that pip downloads."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from submissions.client_wheel import companions, install_words, wheel


@require_safe
def client_page(request: HttpRequest) -> HttpResponse:
    context = {
        "wheel": wheel(),
        "companions": companions(),
        "install": install_words(request),
        "service": request.build_absolute_uri("/")[:-1],
    }
    return render(request, "submissions/client.html", context)


@require_safe
def client_wheel(request: HttpRequest, filename: str) -> HttpResponse:
    found = next((one for one in [wheel(), *companions()] if one.filename == filename), None)
    if found is None:
        raise Http404
    return HttpResponse(found.content, content_type="application/zip")
