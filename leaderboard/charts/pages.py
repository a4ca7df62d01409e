"""The page of charts, and each chart as a picture, as data, and as a Vega specification for the browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from leaderboard.charts import pictures
from leaderboard.charts.bundle import bundle_file, bundle_version
from leaderboard.charts.figure import Figure
from leaderboard.charts.gallery import CHARTS, subject
from leaderboard.charts.painter_process import NoPicture, PictureNotReady, painter
from leaderboard.charts.pictures import PictureStyle
from leaderboard.exports import tables
from leaderboard.live_pages import live_quest_page
from leaderboard.ranking import queries
from submissions.api.conditional import etag_of, matches_etag
from submissions.models import Quest
from submissions.quests.visibility import Visibility, visibility_for

logger = structlog.get_logger(__name__)
CACHED_FOREVER = {"Content-Encoding": "gzip", "Cache-Control": "public, max-age=31536000, immutable"}
CHOICES = ("engine", "cost", "show", "unit")  # parameters of the address, apart from the quest


@require_safe
def charts_page(request: HttpRequest) -> HttpResponse:
    """The charts of a quest. The page polls itself."""
    return live_quest_page(
        request,
        page="leaderboard/charts.html",
        fragment="leaderboard/charts/_charts.html",
        context=lambda visibility: _context(request, visibility),
    )


def _context(request: HttpRequest, visibility: Visibility) -> dict[str, Any]:
    painter.wake()
    about = subject(visibility.quest, visibility, request.GET)
    here = {"quest": visibility.quest.pk} | {name: getattr(about.filters, name) for name in CHOICES}
    return {
        "entry": queries.entry_of(visibility.quest, request.user),
        "filters": about.filters,
        "count": len(about.runs),
        "figures": [figure(about) for figure in CHARTS.values()],
        "here": urlencode(here),
        "bundle": bundle_version(),
    }


@require_safe
@cache_control(private=True, no_cache=True)
def chart_file(request: HttpRequest, chart: str, form: str) -> HttpResponseBase:
    """A chart as `cost.svg`, `cost.png`, `cost.csv`, `cost.json`, or `cost.vega` for the browser to draw."""
    quest = queries.current_quest(request.GET.get("quest", ""), user=request.user)
    if quest is None or chart not in CHARTS or form not in FORMS:
        raise Http404
    wall = "wall" in request.GET  # shows public information, whoever is logged in
    visibility = visibility_for(quest, None if wall else request.user)
    version = queries.snapshot(quest, visibility).etag
    etag = etag_of(settings.QUEST_VERSION, request.path, sorted(request.GET.items()), version, visibility.reader)
    if matches_etag(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    figure = CHARTS[chart](subject(quest, visibility, request.GET))
    if figure.is_empty and form in PICTURES:
        return _no_picture_yet(on_wall=wall)
    try:
        response = FORMS[form](figure, PictureStyle.read(request.GET), quest)
    except PictureNotReady:
        return _retry_later(to_script=form == "vega" or wall)
    except NoPicture as reason:
        logger.warning("no_picture", chart=chart, form=form, reason=str(reason))
        return HttpResponse(status=500, headers={"Cache-Control": "no-store"})
    response["ETag"] = etag
    patch_vary_headers(response, ["Cookie"])
    return response


def _no_picture_yet(*, on_wall: bool) -> HttpResponse:
    """404 for a chart without data; 204 for a wall, which asks for every chart and skips the empty ones."""
    if not on_wall:
        raise Http404
    return HttpResponse(status=204, headers={"Cache-Control": "no-store"})


def _retry_later(*, to_script: bool) -> HttpResponse:
    """202 for a script, which asks again; 503 for a plain request, which wanted the picture now."""
    headers = {"Retry-After": "2", "Cache-Control": "no-store"}
    return HttpResponse(status=202 if to_script else 503, headers=headers)


def _svg(figure: Figure, style: PictureStyle, quest: Quest) -> HttpResponseBase:
    return HttpResponse(pictures.svg(figure, style), content_type="image/svg+xml")


def _png(figure: Figure, style: PictureStyle, quest: Quest) -> HttpResponseBase:
    return HttpResponse(pictures.png(figure, style), content_type="image/png")


def _vega(figure: Figure, style: PictureStyle, quest: Quest) -> HttpResponseBase:
    return JsonResponse(pictures.vega(figure, style))


def _csv(figure: Figure, style: PictureStyle, quest: Quest) -> HttpResponseBase:
    columns = list(figure.records[0]) if figure.records else ["submission"]
    return tables.as_csv(figure.records, columns, tables.file_name(figure.name, quest))


def _json(figure: Figure, style: PictureStyle, quest: Quest) -> HttpResponseBase:
    return tables.as_json(figure.records, tables.file_name(figure.name, quest))


PICTURES = {"svg": _svg, "png": _png, "vega": _vega}
FORMS = PICTURES | {"csv": _csv, "json": _json}


@require_safe
def vega_bundle(request: HttpRequest, version: str) -> HttpResponseBase:
    """The Vega library for the browser. The address contains its version, so browsers may cache it forever."""
    if version != bundle_version():
        raise Http404
    file = bundle_file(settings.QUEST_HOME)
    if file is None:
        return _retry_later(to_script=True)
    # Every browser that supports modules accepts gzip.
    return FileResponse(file.open("rb"), content_type="text/javascript", headers=CACHED_FOREVER)
