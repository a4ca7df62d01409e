"""A figure before it is drawn: its numbers, the facts for its sentence, and the words on its axes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Self

from django.http import QueryDict
from django.utils.functional import Promise

from leaderboard.charts.runs import ChartRun
from submissions.models import Quest

Row = dict[str, Any]
MOST_POINTS = 1500
LEAST_REACH = 0.002  # of a score axis, for scores that are nearly equal
MOST_ROWS = 50  # of the table below a chart; downloads have all rows
COSTS = ("both", "train", "predict")
SHOWN = ("all", "best")
UNITS = ("seconds", "share")


@dataclass(frozen=True, slots=True)
class ChartFilters:
    """The filters in the charts' address. Invalid values are ignored.

    `engines` counts the scores of each engine. Charts of times show one `engine` only, because times of different
    engines do not compare.
    """

    engine: str
    engines: dict[str, int]
    cost: str = COSTS[0]
    show: str = SHOWN[0]
    unit: str = UNITS[0]

    @classmethod
    def read(cls, asked: QueryDict, runs: Iterable[ChartRun], quest: Quest) -> Self:
        engines = dict(Counter(run.engine for run in runs).most_common())
        engine = asked.get("engine", "")
        return cls(
            engine=engine if engine in engines else next(iter(engines), quest.default_engine),
            engines=engines,
            cost=_one_of(COSTS, asked.get("cost")),
            show=_one_of(SHOWN, asked.get("show")),
            unit=_one_of(UNITS, asked.get("unit")),
        )

    @property
    def others(self) -> int:
        """The number of scores from other engines, which the charts of times leave out."""
        return sum(self.engines.values()) - self.engines.get(self.engine, 0)


def _one_of(values: Sequence[str], asked: str | None) -> str:
    return asked if asked and asked in values else values[0]


@dataclass(frozen=True, slots=True)
class Subject:
    """The input of every figure: a quest's runs as one reader sees them, and the filters."""

    quest: Quest
    runs: list[ChartRun]
    filters: ChartFilters

    @property
    def timed(self) -> list[ChartRun]:
        """The runs on the chosen engine that have a known training time."""
        return [run for run in self.runs if run.engine == self.filters.engine and run.train_s is not None]

    @property
    def best_of_groups(self) -> list[ChartRun]:
        """Each group's best run, best first; of equals, the earliest submitted."""
        best: dict[int, ChartRun] = {}
        for run in self.best_first:
            best.setdefault(run.group_id, run)
        return list(best.values())

    @property
    def best_first(self) -> list[ChartRun]:
        return sorted(self.runs, key=rank_key)


def rank_key(run: ChartRun) -> tuple[float, Any, int]:
    """Sorts by score, best first, then by time of submission."""
    return -run.score, run.submitted_at, run.number


@dataclass(frozen=True, slots=True)
class Table:
    """The table below a chart. `numeric` marks columns of numbers; the first column heads its row."""

    head: list[str | Promise]
    numeric: list[bool]
    rows: list[list[str]]
    left_out: int = 0

    @property
    def columns(self) -> list[tuple[str | Promise, bool]]:
        return list(zip(self.head, self.numeric, strict=True))

    @property
    def cells(self) -> list[list[tuple[str, bool]]]:
        return [list(zip(row, self.numeric, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The content of one chart.

    `data`: the rows of the drawing's named data sets; `limits`: its numeric parameters; `words`: the texts of its axes.
    `facts`: the context of the sentence above and the note below. `records`: the rows to download.
    """

    name: str
    data: dict[str, list[Row]] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    table: Table | None = None
    records: list[Row] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any(self.data.values())

    @property
    def reading(self) -> str:
        """The template of the sentence above the chart."""
        return f"leaderboard/charts/_reading_{self.name}.html"

    @property
    def note(self) -> str:
        return f"leaderboard/charts/_note_{self.name}.html"


def score_limits(scores: Sequence[float]) -> dict[str, float]:
    """The limits of a score axis. It is cut far below the median, so that one bad model does not flatten the rest.

    Scores below `floor` are drawn at the edge.
    """
    ordered = sorted(scores)
    best, low, middle = ordered[-1], ordered[0], median(ordered)
    few = ordered[round(0.03 * len(ordered))]  # 3 % of the scores may be cut off
    floor = max(low, best - 4 * (best - middle), few - 0.2 * (best - few)) if best > middle else low
    floor = min(floor, best - LEAST_REACH)
    reach = best - floor
    return {"floor": max(0.0, round(floor - 0.06 * reach, 4)), "ceiling": min(1.0, round(best + 0.06 * reach, 4))}


def below(scores: Iterable[float], limits: dict[str, float]) -> int:
    return sum(score < limits["floor"] for score in scores)


def evenly_spaced(rows: Sequence[ChartRun], most: int) -> list[ChartRun]:
    """At most `most` of the rows, evenly spaced, in order, including the first and the last."""
    if len(rows) <= most:
        return list(rows)
    return [rows[round(place * (len(rows) - 1) / (most - 1))] for place in range(most)]


def sample(runs: Sequence[ChartRun], always: Iterable[ChartRun], most: int = MOST_POINTS) -> list[ChartRun]:
    """About `most` of the runs, evenly spaced, in order, including all of `always`."""
    if len(runs) <= most:
        return list(runs)
    kept = {run.number for run in always}
    kept |= {run.number for run in evenly_spaced(runs, max(2, most - len(kept)))}
    return [run for run in runs if run.number in kept]
