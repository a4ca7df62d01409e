"""The images of the data sets, one at a time."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from submissions.idx_files import PARTS, PIXEL_MAX, image
from submissions.models import DATASETS
from submissions.pictures import png

A_YEAR = 365 * 24 * 3600
NAMES = {name for name, _label in DATASETS}


@require_safe
@cache_control(public=True, max_age=A_YEAR, immutable=True)
def dataset_image(request: HttpRequest, dataset: str, part: str, index: int) -> HttpResponse:
    """An image as PNG, as bright as it is stored. It never changes, since the data sets' checksums never do."""
    found = image(dataset, part, index) if dataset in NAMES and part in PARTS else None
    if found is None:
        raise Http404
    pixels, width, height = found
    most = PIXEL_MAX[dataset]
    return HttpResponse(png(bytes(pixel * 255 // most for pixel in pixels), width, height), "image/png")
