"""The Altair drawing of each chart. Only the painter imports this module: the web process must stay small.

The colours are Okabe and Ito's (Color Universal Design, 2008), which colour-blind readers can tell apart, without the
ones too faint for the background. Each colour has its own shape or dash as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import altair as alt

Words = dict[str, Any]
Drawing = alt.Chart | alt.LayerChart | alt.FacetChart
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
DASHES = [[1, 0], [6, 3], [2, 2], [12, 3], [8, 2, 2, 2], [4, 2, 1, 2]]  # in units of half a line's width
MOST_LINES = 18  # that colour and dash can distinguish; both change from line to line
DAY_OR_HOUR = "utcFormat(datum.value, utchours(datum.value) || utcminutes(datum.value) ? '%H:%M' : '%d/%m')"
FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Noto Sans, DejaVu Sans, sans-serif"


@dataclass(frozen=True, slots=True)
class ColourScheme:
    """The colours of light or dark pictures, the same as the page's."""

    paper: str
    ink: str
    soft: str
    line: str
    faint: str
    colours: tuple[str, ...]


SCHEMES = {
    "light": ColourScheme(
        paper="#ffffff", ink="#1c1b19", soft="#5d5a54", line="#e3dfd7", faint="#b3aea4",
        colours=("#0072B2", "#D55E00", "#009E73", "#A8558A", "#000000", "#B97F00"),
    ),
    "dark": ColourScheme(
        paper="#1b1c1a", ink="#eceae5", soft="#a9a59c", line="#3a3c37", faint="#66655f",
        colours=("#56B4E9", "#E69F00", "#1FBF92", "#CC79A7", "#F0E442", "#E8743B"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrawingFormat:
    """The size of a drawing and of its text, points and lines, in pixels."""

    width: int
    height: int
    letters: int
    point: int
    line: float
    legend_columns: int
    names: int  # columns of a legend of groups


FORMATS = {
    "wide": DrawingFormat(840, 420, 13, 75, 2.0, 4, 6),
    "narrow": DrawingFormat(350, 380, 12, 55, 2.0, 1, 2),
    "wall": DrawingFormat(1840, 860, 36, 500, 5.0, 3, 5),
}


@dataclass(frozen=True, slots=True)
class DrawingStyle:
    scheme: ColourScheme
    format: DrawingFormat

    @property
    def dashed(self) -> list[float]:
        return [3.5 * self.format.line, 2 * self.format.line]

    def config(self) -> dict[str, Any]:
        """The Vega-Lite configuration that all drawings share."""
        small, ink, soft, line = self.format.letters, self.scheme.ink, self.scheme.soft, self.scheme.line
        return {
            "background": "transparent",
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                "labelColor": soft, "titleColor": soft, "gridColor": line, "domainColor": soft, "tickColor": soft,
                "labelFontSize": small, "titleFontSize": small, "titleFontWeight": "normal", "labelOverlap": True,
                "titlePadding": small, "labelPadding": 6,
            },
            "legend": {
                "labelColor": ink, "labelFontSize": small, "symbolSize": self.format.point * 1.4, "orient": "bottom",
                "columns": self.format.legend_columns, "title": None, "labelLimit": self.format.width * 0.85,
                "symbolStrokeWidth": self.format.line, "offset": small,
            },
            "text": {"color": ink, "fontSize": small},
        }  # fmt: skip


def drawing(chart: str, *, format: str, scheme: str, words: Words) -> dict[str, Any]:
    """The chart as a Vega-Lite specification with empty named data sets and default parameters."""
    style = DrawingStyle(SCHEMES[scheme], FORMATS[format])
    drawn = DRAWINGS[chart](style, words)
    size = {"width": style.format.width, "height": style.format.height}
    fit = alt.AutoSizeParams(type="fit", contains="padding")
    specification = drawn.properties(**size, autosize=fit).configure(**style.config()).to_dict()
    # Puts two legends one above the other. Vega supports it, but Vega-Lite's schema does not know it.
    below = {"anchor": "start", "direction": "vertical", "margin": style.format.letters / 2}
    specification["config"]["legend"]["layout"] = {"bottom": below}
    return specification


def _score_axis(words: Words) -> alt.Y:
    scale = alt.Scale(domain=alt.ExprRef("[floor, ceiling]"), zero=False, nice=False, clamp=True)
    return alt.Y("score:Q", title=words["score"], scale=scale, axis=alt.Axis(format=".4~f", tickCount=6))


def _limits() -> list[alt.Parameter]:
    return [alt.param(name="floor", value=0), alt.param(name="ceiling", value=1)]


def _ring(data: str, style: DrawingStyle, **place: Any) -> alt.Chart:
    """Circles around the reader's own points."""
    own = alt.Chart(alt.NamedData(data)).transform_filter("datum.own")
    return own.mark_point(
        shape="circle",
        filled=False,
        size=style.format.point * 4,
        stroke=style.scheme.ink,
        strokeWidth=style.format.line,
    ).encode(**place)


def _cost(style: DrawingStyle, words: Words) -> Drawing:
    axis = alt.Axis(format="~g", tickCount=6, grid=False)
    x = alt.X("cost:Q", title=words["cost"], scale=alt.Scale(type="log"), axis=axis)
    place = {"x": x, "y": _score_axis(words)}
    count = len(words["families"])
    chosen = alt.selection_point(name="chosen", fields=["family"], bind="legend")
    points = alt.Chart(alt.NamedData("runs")).mark_point(filled=True, size=style.format.point, opacity=0.85)
    points = points.encode(
        **place,
        color=alt.Color(
            "family:N", scale=alt.Scale(domain=words["families"], range=list(style.scheme.colours)[:count])
        ),
        shape=alt.Shape("family:N", scale=alt.Scale(domain=words["families"], range=SHAPES[:count])),
        opacity=alt.when(chosen).then(alt.value(0.85)).otherwise(alt.value(0.1)),
        tooltip=_tooltip(
            words, group="group", model="model", score_text="score", cost_text="time", hardware="hardware",
            engine="engine",
        ),
    )  # fmt: skip
    front = alt.Chart(alt.NamedData("front")).mark_line(
        interpolate="step-after", strokeDash=style.dashed, color=style.scheme.soft, strokeWidth=style.format.line
    )
    layers = alt.layer(front.encode(**place), _ring("runs", style, **place), points.add_params(chosen))
    return layers.add_params(*_limits())


def _tooltip(words: Words, **fields: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:N", title=words[word]) for name, word in fields.items()]


def _progress(style: DrawingStyle, words: Words) -> Drawing:
    axis = alt.Axis(grid=False, tickCount=6, labelExpr=DAY_OR_HOUR)
    scale = alt.Scale(type="utc", domain=alt.ExprRef("[begun, ended]"))
    place = {"x": alt.X("at:T", title=words["at"], scale=scale, axis=axis), "y": _score_axis(words)}
    chosen = alt.selection_point(name="chosen", fields=["line"], bind="legend")
    dim = alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.12))
    thick = style.format.line
    groups = alt.Legend(columns=style.format.names, symbolType="stroke", symbolSize=(16 * thick) ** 2)
    data = alt.Chart(alt.NamedData("lines"))
    lines = data.mark_line(interpolate="step-after").encode(
        **place,
        color=alt.Color("line:N", sort=None, scale=alt.Scale(range=_colours(style)), legend=groups),
        strokeDash=alt.StrokeDash("line:N", sort=None, scale=alt.Scale(range=_dashes(style)), legend=groups),
        strokeWidth=alt.when("datum.own").then(alt.value(2 * thick)).otherwise(alt.value(thick)),
        opacity=dim,
    )
    steps = data.transform_filter("datum.step").mark_point(filled=True, size=style.format.point / 2)
    steps = steps.encode(
        **place, color=_by_place(style), opacity=dim,
        tooltip=_tooltip(words, line="group", score_text="score", at_text="when", model="model"),
    )  # fmt: skip
    layers = alt.layer(*_rest(style, words, place), lines.add_params(chosen), steps)
    times = [alt.param(name=name, value=0) for name in ("begun", "ended")]
    return layers.resolve_scale(color="independent", strokeDash="independent").add_params(*_limits(), *times)


def _colours(style: DrawingStyle) -> list[str]:
    """The colours of all lines, in order."""
    colours = style.scheme.colours
    return [colours[place % len(colours)] for place in range(MOST_LINES)]


def _dashes(style: DrawingStyle) -> list[list[float]]:
    """The dashes of all lines, in order. They are shifted when the colours repeat, so that no pair repeats."""
    rounds = len(style.scheme.colours)
    chosen = [DASHES[(place + place // rounds) % len(DASHES)] for place in range(MOST_LINES)]
    return [[part * style.format.line / 2 for part in dash] for dash in chosen]


def _rest(style: DrawingStyle, words: Words, place: dict[str, Any]) -> list[alt.Chart]:
    """The dotted line of all groups without a line of their own; empty if there are none."""
    if not words["rest"]:
        return []  # the legend of an empty layer has no size, and would push the drawing out of view
    line: dict[str, Any] = {"interpolate": "step-after", "color": style.scheme.soft, "strokeWidth": style.format.line}
    dots = alt.StrokeDash("line:N", scale=alt.Scale(range=[[1, 3]]))
    return [alt.Chart(alt.NamedData("rest")).mark_line(**line).encode(**place, strokeDash=dots)]


def _by_place(style: DrawingStyle) -> alt.Color:
    """Colour by `place`, matching the layer that has the legend."""
    scale = alt.Scale(domain=list(range(MOST_LINES)), range=_colours(style))
    return alt.Color("place:N", scale=scale, legend=None)


def _spread(style: DrawingStyle, words: Words) -> Drawing:
    scale = alt.Scale(domain=alt.ExprRef("[floor, ceiling]"), zero=False, nice=False, clamp=True)
    x = alt.X("from:Q", bin="binned", title=words["score"], scale=scale, axis=alt.Axis(format=".4~f", tickCount=6))
    colours = [style.scheme.faint, style.scheme.colours[0]][: len(words["bars"])]
    legend = alt.Legend() if len(colours) > 1 else None
    counts = alt.Axis(tickCount=5, labelExpr="datum.value % 1 ? '' : format(datum.value, ',')")
    bars = (
        alt.Chart(alt.NamedData("bars"))
        .mark_bar(binSpacing=1.5)
        .encode(
            x=x,
            x2="to:Q",
            y=alt.Y("count:Q", title=words["count"], axis=counts, scale=alt.Scale(domainMax=alt.ExprRef("top"))),
            color=alt.Color("whose:N", scale=alt.Scale(domain=words["bars"], range=colours), legend=legend),
            order=alt.Order("whose:N", sort="descending"),
            tooltip=_tooltip(words, text="score", whose="whose", count="count"),
        )
    )
    own = alt.Chart(alt.NamedData("own"))
    mark = {"x": alt.X("score:Q", scale=scale)}
    rule = own.mark_rule(color=style.scheme.ink, strokeWidth=style.format.line, strokeDash=[5, 3]).encode(**mark)
    texts = [
        own.transform_filter(f"datum.side === '{side}'")
        .mark_text(align=side, dx=-8 if side == "right" else 8, baseline="top", fontWeight="bold")
        .encode(**mark, y=alt.value(4), text="text:N")
        for side in ("left", "right")
    ]
    return alt.layer(bars, rule, *texts).add_params(*_limits(), alt.param(name="top", value=1))


def _size(style: DrawingStyle, words: Words) -> Drawing:
    log_scale = alt.Scale(type="log")
    x_axis = alt.Axis(format="~s", tickCount=6, grid=False)
    y_axis = alt.Axis(format="~g", tickCount=5, grid=False)
    place = {
        "x": alt.X("parameters:Q", title=words["parameters"], scale=log_scale, axis=x_axis),
        "y": alt.Y("train:Q", title=words["train"], scale=log_scale, axis=y_axis),
    }
    chosen = alt.selection_point(name="chosen", fields=["hardware"], bind="legend")
    colour = alt.Color("hardware:N", sort=None, scale=alt.Scale(range=list(style.scheme.colours)))
    points = alt.Chart(alt.NamedData("runs")).mark_point(filled=True, size=style.format.point)
    points = points.encode(
        **place,
        color=colour,
        shape=alt.Shape("hardware:N", sort=None, scale=alt.Scale(range=SHAPES)),
        opacity=alt.when(chosen).then(alt.value(0.85)).otherwise(alt.value(0.1)),
        tooltip=_tooltip(words, group="group", model="model", parameters="parameters", train_text="time",
                         score_text="score", hardware="hardware"),
    )  # fmt: skip
    fits = alt.Chart(alt.NamedData("fits")).mark_line(strokeDash=style.dashed, strokeWidth=style.format.line)
    fits = fits.encode(**place, color=_by_place(style), detail="hardware:N")
    layers = alt.layer(fits, _ring("runs", style, **place), points.add_params(chosen))
    return layers.resolve_scale(color="independent", shape="independent")


def _breakdown(style: DrawingStyle, words: Words) -> Drawing:
    # From waiting in grey to training in blue.
    colours = [style.scheme.faint, style.scheme.soft, *(style.scheme.colours[place] for place in (5, 3, 0, 1))]
    bars = alt.Chart(alt.NamedData("parts")).mark_bar(stroke=style.scheme.paper, strokeWidth=1)
    return bars.encode(
        y=alt.Y("family:N", title=None, sort=words["families"], axis=alt.Axis(labelLimit=0, grid=False)),
        x=alt.X("sum(value):Q", title=words["value"], stack="zero", axis=alt.Axis(tickCount=8)),
        color=alt.Color("part:N", scale=alt.Scale(domain=words["parts"], range=colours)),
        order=alt.Order("place:Q"),
        tooltip=_tooltip(words, family="family", part="part", text="time"),
    )


DRAWINGS: dict[str, Callable[[DrawingStyle, Words], Drawing]] = {
    "cost": _cost,
    "progress": _progress,
    "spread": _spread,
    "size": _size,
    "breakdown": _breakdown,
}
