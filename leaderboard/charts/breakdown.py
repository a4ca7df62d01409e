"""Where the time went: each family's median wait, start-up, loading, preprocessing, training and scoring."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard.charts.figure import Figure, Row, Subject, Table
from leaderboard.charts.runs import ChartRun
from submissions.specs.families import all_families
from submissions.wording import seconds

PARTS = {
    "queue_wait_s": gettext_lazy("waiting"),
    "startup_s": gettext_lazy("start-up"),
    "data_load_s": gettext_lazy("loading data"),
    "preprocess_s": gettext_lazy("preprocessing"),
    "train_s": gettext_lazy("training"),
    "predict_s": gettext_lazy("scoring"),
}


def figure(subject: Subject) -> Figure:
    """One bar per family, of the runs on one engine, in seconds or as shares of the family's total."""
    unit = subject.filters.unit
    medians = median_seconds(subject.timed)
    if not medians:
        return Figure(name="breakdown", facts={"engine": subject.filters.engine})
    return Figure(
        name="breakdown",
        data={"parts": [row for one in medians for row in _stack(one, unit)]},
        words=_words(unit),
        facts={"engine": subject.filters.engine, "sentences": [_longest_part(one) for one in medians]},
        table=_table(medians),
        records=medians,
    )


def median_seconds(runs: list[ChartRun]) -> list[Row]:
    """One row per family, in registry order: number of runs, and median seconds of each part."""
    found: dict[str, list[ChartRun]] = defaultdict(list)
    for run in runs:
        found[run.family].append(run)
    order = [family.name for family in all_families() if family.name in found]
    return [
        {"family": found[name][0].family_label, "runs": len(found[name])}
        | {part: median(getattr(run, part) or 0.0 for run in found[name]) for part in PARTS}
        for name in order
    ]


def _total_s(one: Row) -> float:
    return sum(one[part] for part in PARTS) or 1.0


def _stack(one: Row, unit: str) -> list[Row]:
    total = _total_s(one)
    return [
        {
            "family": one["family"],
            "part": str(label),
            "place": place,
            "value": 100 * one[part] / total if unit == "share" else one[part],
            "text": f"{seconds(one[part])} ({100 * one[part] / total:.0f}%)",
        }
        for place, (part, label) in enumerate(PARTS.items())
    ]


def _longest_part(one: Row) -> dict[str, Any]:
    """The longest part of a family's median run, for the sentence above the chart."""
    longest = max(PARTS, key=lambda part: one[part])
    return {
        "family": one["family"],
        "part": PARTS[longest],
        "percent": round(100 * one[longest] / _total_s(one)),
        "seconds": _total_s(one),
        "runs": one["runs"],
    }


def _words(unit: str) -> dict[str, Any]:
    return {
        "parts": [str(label) for label in PARTS.values()],
        "families": [str(family.label) for family in all_families()],
        "value": _("Share of the total, %") if unit == "share" else _("Median seconds"),
        "family": _("Family"), "part": _("Part"), "time": _("Time"),
    }  # fmt: skip


def _table(medians: list[Row]) -> Table:
    return Table(
        head=[_("Family"), _("Runs"), *PARTS.values()],
        numeric=[False, *[True] * (1 + len(PARTS))],
        rows=[[one["family"], str(one["runs"]), *(seconds(one[part]) for part in PARTS)] for one in medians],
    )
