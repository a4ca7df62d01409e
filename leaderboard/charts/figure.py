"""A figure before it is drawn: its numbers, what a sentence says of them, and the words on its axes."""

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
LEAST_REACH = 0.002  # of an axis of scores, where all are about the same
MOST_ROWS = 50  # of the table beneath; the files to download hold all
COSTS = ("both", "train", "predict")
SHOWN = ("all", "best")
UNITS = ("seconds", "share")


@dataclass(frozen=True, slots=True)
class ChartFilters:
    """What the address asks the charts to show. A value that cannot be is as good as none.

    Times of two engines are never compared silently: the charts of times show one `engine` of those in `engines`,
    which counts the scores computed on each.
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
        """How many scores were computed on other engines, and so are left out of the charts of times."""
        return sum(self.engines.values()) - self.engines.get(self.engine, 0)


def _one_of(values: Sequence[str], asked: str | None) -> str:
    return asked if asked and asked in values else values[0]


@dataclass(frozen=True, slots=True)
class Subject:
    """What figures are made of: a quest's runs as one reader sees them, and what was asked for."""

    quest: Quest
    runs: list[ChartRun]
    filters: ChartFilters

    @property
    def timed(self) -> list[ChartRun]:
        """The runs on the engine asked for whose times are known."""
        return [run for run in self.runs if run.engine == self.filters.engine and run.train_s is not None]

    @property
    def best_of_groups(self) -> list[ChartRun]:
        """Each group's best run, best first; of equals the one that was handed in first."""
        best: dict[int, ChartRun] = {}
        for run in self.by_merit:
            best.setdefault(run.group_id, run)
        return list(best.values())

    @property
    def by_merit(self) -> list[ChartRun]:
        return sorted(self.runs, key=merit)


def merit(run: ChartRun) -> tuple[float, Any, int]:
    """Better runs have less of it: by score, then by who handed in first."""
    return -run.score, run.handed_in_at, run.number


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers in words: `numeric` tells which columns hold numbers; the first column heads its row."""

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
    """What a drawing needs, and what stands beside it.

    `data` are the rows of the drawing's named data sets, `limits` its parameters, `words` what its axes say; `facts`
    are what the sentence and the notes beneath are written from; `records` are what is downloaded.
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
        """The template of the sentence that says what is to be seen."""
        return f"leaderboard/charts/_reading_{self.name}.html"

    @property
    def note(self) -> str:
        return f"leaderboard/charts/_note_{self.name}.html"


def score_limits(scores: Sequence[float]) -> dict[str, float]:
    """From where to where an axis of scores reaches: far below the median it is cut, or one bad model flattens all.

    What lies below `floor` is drawn at the edge.
    """
    ordered = sorted(scores)
    best, low, middle = ordered[-1], ordered[0], median(ordered)
    few = ordered[round(0.03 * len(ordered))]  # so few may lie below without being missed
    floor = max(low, best - 4 * (best - middle), few - 0.2 * (best - few)) if best > middle else low
    floor = min(floor, best - LEAST_REACH)
    reach = best - floor
    return {"floor": max(0.0, round(floor - 0.06 * reach, 4)), "ceiling": min(1.0, round(best + 0.06 * reach, 4))}


def below(scores: Iterable[float], limits: dict[str, float]) -> int:
    return sum(score < limits["floor"] for score in scores)


def evenly(rows: Sequence[ChartRun], most: int) -> list[ChartRun]:
    """At most so many of the rows, in their order, with the first and the last."""
    if len(rows) <= most:
        return list(rows)
    return [rows[round(place * (len(rows) - 1) / (most - 1))] for place in range(most)]


def thinned(runs: Sequence[ChartRun], always: Iterable[ChartRun], most: int = MOST_POINTS) -> list[ChartRun]:
    """About `most` of the runs, evenly taken in their order, and those of `always`."""
    if len(runs) <= most:
        return list(runs)
    kept = {run.number for run in always}
    kept |= {run.number for run in evenly(runs, max(2, most - len(kept)))}
    return [run for run in runs if run.number in kept]
