"""The charts of a quest's archive: pictures wide and narrow, light and dark, and the data of each."""

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
PATIENCE = 4  # times that a picture is waited for: the painter may be busy with somebody else's
LOOKS = {
    "": PictureStyle(),
    "-dark": PictureStyle(scheme="dark"),
    "-narrow": PictureStyle("narrow"),
    "-narrow-dark": PictureStyle("narrow", "dark"),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure and the endings of its pictures' names: none where it could not be drawn."""

    figure: Figure
    filters: ChartFilters
    pictures: dict[str, str]


def chart_files(seen: Visibility) -> Iterator[tuple[str, Iterable[bytes]]]:
    about = subject(seen.quest, seen, QueryDict())
    figures = [draw(about) for draw in CHARTS.values()]
    drawn = [Drawn(figure, about.filters, _pictures(figure)) for figure in figures if not figure.is_empty]
    for one in drawn:
        for ending, svg in one.pictures.items():
            yield f"charts/{one.figure.name}{ending}.svg", [svg.encode()]
        columns = list(one.figure.records[0])
        yield (
            f"charts/{one.figure.name}.csv",
            [line.encode() for line in tables.csv_lines(one.figure.records, columns)],
        )
    page = {"visibility": seen, "quest": seen.quest, "charts": drawn, "at": "charts", "up": ""}
    yield "charts.html", [render_to_string("leaderboard/archive/charts.html", page).encode()]


def _pictures(figure: Figure) -> dict[str, str]:
    """All or none: a page that is bright at night is worse than its numbers alone."""
    try:
        return {ending: _painted(figure, look) for ending, look in LOOKS.items()}
    except NoPicture as reason:
        logger.warning("no_picture", chart=figure.name, form="archive", reason=str(reason))
        return {}


def _painted(figure: Figure, look: PictureStyle) -> str:
    for _ in range(PATIENCE - 1):
        try:
            return pictures.svg(figure, look)
        except PictureNotReady:
            continue
    return pictures.svg(figure, look)
