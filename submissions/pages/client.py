"""Where the notebook client is to be had: a page with the line that installs it, and what pip finds there."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from submissions.client_wheel import companions, wheel


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


def install_words(request: HttpRequest) -> str:
    """What follows `pip install`: the page itself lists all that is needed, and no index is asked."""
    if not companions():
        return request.build_absolute_uri(reverse("submissions:client_wheel", args=[wheel().filename]))
    page = request.build_absolute_uri(reverse("submissions:client"))
    # pip follows links over plain http to its own machine only, or where it is told to.
    trusted = "" if request.is_secure() or _is_here(request) else f"--trusted-host {request.get_host()} "
    return f"--no-index {trusted}--find-links {page} mnist-quest"


def _is_here(request: HttpRequest) -> bool:
    return request.get_host().split(":")[0] in ("127.0.0.1", "localhost")
