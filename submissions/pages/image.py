"""Serves the data sets' images one by one."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from submissions.images.digits import NoImage, image_png

A_YEAR = 365 * 24 * 3600


@require_safe
@cache_control(public=True, max_age=A_YEAR, immutable=True)
def dataset_image(request: HttpRequest, dataset: str, part: str, index: int) -> HttpResponse:
    """An image as PNG. It can be cached forever because the data sets' checksums are fixed."""
    try:
        return HttpResponse(image_png(dataset, part, index), "image/png")
    except NoImage:
        raise Http404 from None
