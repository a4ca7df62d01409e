"""The page of charts, and each chart as a picture, as data, and as what the browser draws it from."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from leaderboard.charts import pictures
from leaderboard.charts.bundle import bundle_file, bundle_version
from leaderboard.charts.figure import Figure
from leaderboard.charts.gallery import CHARTS, subject
from leaderboard.charts.painter_process import NoPicture, PictureNotReady, studio
from leaderboard.charts.pictures import PictureStyle
from leaderboard.exports import tables
from leaderboard.ranking import queries
from submissions.api.conditional import etag_of, has_it
from submissions.models import Quest
from submissions.quests.visibility import Visibility, visibility_for

logger = structlog.get_logger(__name__)
KEPT_FOR_GOOD = {"Content-Encoding": "gzip", "Cache-Control": "public, max-age=31536000, immutable"}
CHOICES = ("engine", "cost", "show", "unit")  # of the address, beside the quest


@require_safe
@never_cache
def charts_page(request: HttpRequest) -> HttpResponse:
    """The charts whole; or, polled with `?seen=`, their live part, and 204 while nothing has changed."""
    quests = queries.published_quests(request.user)
    quest = queries.chosen(quests, request.GET.get("quest", ""), request.user)
    if quest is None:
        return render(request, "leaderboard/no_quest.html")
    seen = visibility_for(quest, request.user)
    snapshot = queries.snapshot(quest, seen)
    if request.GET.get("seen") == snapshot.etag:
        return HttpResponse(status=204)
    studio.wake()
    template = "leaderboard/charts/_charts.html" if "seen" in request.GET else "leaderboard/charts.html"
    context = {"quest": quest, "quests": quests, "visibility": seen, "snapshot": snapshot}
    return render(request, template, context | _shown(request, seen))


def _shown(request: HttpRequest, seen: Visibility) -> dict[str, Any]:
    about = subject(seen.quest, seen, request.GET)
    here = {"quest": seen.quest.pk} | {name: getattr(about.filters, name) for name in CHOICES}
    return {
        "entry": queries.entry_of(seen.quest, request.user),
        "filters": about.filters,
        "count": len(about.runs),
        "figures": [draw(about) for draw in CHARTS.values()],
        "here": urlencode(here),
        "bundle": bundle_version(),
    }


def _sight(request: HttpRequest, quest: Quest) -> Visibility:
    """That of whoever is logged in; on a wall that of anybody."""
    return visibility_for(quest, None if "wall" in request.GET else request.user)


@require_safe
@cache_control(private=True, no_cache=True)
def chart_file(request: HttpRequest, chart: str, form: str) -> HttpResponseBase:
    """`cost.svg`, `cost.png`, `cost.csv`, `cost.json`, and `cost.vega` that the browser draws."""
    quest = queries.current_quest(request.GET.get("quest", ""), user=request.user)
    if quest is None or chart not in CHARTS or form not in FORMS:
        raise Http404
    seen = _sight(request, quest)
    choices = sorted(request.GET.items())
    etag = etag_of(settings.QUEST_VERSION, request.path, choices, queries.snapshot(quest, seen).etag, seen.reader)
    if has_it(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    figure = CHARTS[chart](subject(quest, seen, request.GET))
    if figure.is_empty and form in PICTURES:
        return _none_on_a_wall(request)
    try:
        response = FORMS[form](figure, PictureStyle.read(request.GET), quest)
    except PictureNotReady:
        return _not_yet(form == "vega" or "wall" in request.GET)
    except NoPicture as reason:
        logger.warning("no_picture", chart=chart, form=form, reason=str(reason))
        return HttpResponse(status=500, headers={"Cache-Control": "no-store"})
    response["ETag"] = etag
    patch_vary_headers(response, ["Cookie"])
    return response


def _none_on_a_wall(request: HttpRequest) -> HttpResponse:
    """A wall asks for every chart, and passes over those that are empty: that is no error to log."""
    if "wall" not in request.GET:
        raise Http404
    return HttpResponse(status=204, headers={"Cache-Control": "no-store"})


def _not_yet(to_script: bool) -> HttpResponse:
    """A script is told to ask again, which is no error; to who wants a picture at once, none is one."""
    headers = {"Retry-After": "2", "Cache-Control": "no-store"}
    return HttpResponse(status=202 if to_script else 503, headers=headers)


def _svg(figure: Figure, look: PictureStyle, quest: Quest) -> HttpResponseBase:
    return HttpResponse(pictures.svg(figure, look), content_type="image/svg+xml")


def _png(figure: Figure, look: PictureStyle, quest: Quest) -> HttpResponseBase:
    return HttpResponse(pictures.png(figure, look), content_type="image/png")


def _vega(figure: Figure, look: PictureStyle, quest: Quest) -> HttpResponseBase:
    return JsonResponse(pictures.vega(figure, look))


def _csv(figure: Figure, look: PictureStyle, quest: Quest) -> HttpResponseBase:
    columns = list(figure.records[0]) if figure.records else ["submission"]
    return tables.as_csv(figure.records, columns, tables.file_name(figure.name, quest))


def _json(figure: Figure, look: PictureStyle, quest: Quest) -> HttpResponseBase:
    return tables.as_json(figure.records, tables.file_name(figure.name, quest))


PICTURES = {"svg": _svg, "png": _png, "vega": _vega}
FORMS = PICTURES | {"csv": _csv, "json": _json}


@require_safe
def vega_bundle(request: HttpRequest, version: str) -> HttpResponseBase:
    """The library that draws in the browser. Its version is in the address, so that it may be kept for good."""
    if version != bundle_version():
        raise Http404
    file = bundle_file(settings.QUEST_HOME)
    if file is None:
        return _not_yet(to_script=True)
    # Every browser that knows modules takes gzip.
    return FileResponse(file.open("rb"), content_type="text/javascript", headers=KEPT_FOR_GOOD)
