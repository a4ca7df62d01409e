"""The charts of a quest's archive: each as wide, narrow, light and dark pictures, and its data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import structlog
from django.http import QueryDict
from django.template.loader import render_to_string

from leaderboard.charts import pictures
from leaderboard.charts.figure import ChartFilters, Figure
from leaderboard.charts.gallery import CHARTS, subject
from leaderboard.charts.painter_process import NoPicture, PictureNotReady
from leaderboard.charts.pictures import PictureStyle
from leaderboard.exports import tables
from submissions.quests.visibility import Visibility

logger = structlog.get_logger(__name__)
MOST_TRIES = 4  # for each picture: the painter may be busy with another request
STYLES = {
    "": PictureStyle(),
    "-dark": PictureStyle(scheme="dark"),
    "-narrow": PictureStyle("narrow"),
    "-narrow-dark": PictureStyle("narrow", "dark"),
}


@dataclass(frozen=True, slots=True)
class ArchivedChart:
    """A figure and its SVG pictures by the ending of their file names; no pictures if it could not be drawn."""

    figure: Figure
    filters: ChartFilters
    pictures: dict[str, str]


def chart_files(visibility: Visibility) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The name and content of each picture and table, then of the page that shows them."""
    about = subject(visibility.quest, visibility, QueryDict())
    figures = [figure(about) for figure in CHARTS.values()]
    charts = [ArchivedChart(figure, about.filters, _pictures(figure)) for figure in figures if not figure.is_empty]
    for chart in charts:
        name, records = chart.figure.name, chart.figure.records
        for ending, svg in chart.pictures.items():
            yield f"charts/{name}{ending}.svg", [svg.encode()]
        yield f"charts/{name}.csv", [line.encode() for line in tables.csv_lines(records, list(records[0]))]
    page = {"visibility": visibility, "quest": visibility.quest, "charts": charts, "at": "charts", "up": ""}
    yield "charts.html", [render_to_string("leaderboard/archive/charts.html", page).encode()]


def _pictures(figure: Figure) -> dict[str, str]:
    """All pictures of a figure, or none: numbers alone are better than a bright picture on a dark page."""
    try:
        return {ending: _svg(figure, style) for ending, style in STYLES.items()}
    except NoPicture as reason:
        logger.warning("no_picture", chart=figure.name, form="archive", reason=str(reason))
        return {}


def _svg(figure: Figure, style: PictureStyle) -> str:
    for _ in range(MOST_TRIES - 1):
        try:
            return pictures.svg(figure, style)
        except PictureNotReady:
            continue
    return pictures.svg(figure, style)
