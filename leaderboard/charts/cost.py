"""Score against cost, with the Pareto front: the runs that no other run beats at both."""

from __future__ import annotations

from math import log
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard.charts.figure import MOST_ROWS, Figure, Row, Subject, Table, below, evenly_spaced, sample, score_limits
from leaderboard.charts.runs import ChartRun
from submissions.specs.families import all_families
from submissions.wording import score, seconds

LEAST_COST = 0.001  # seconds: a logarithmic axis has no zero, and clocks are no more precise
MOST_CORNERS = 500  # of the front
AXES = {
    "both": gettext_lazy("Training and scoring, seconds"),
    "train": gettext_lazy("Training, seconds"),
    "predict": gettext_lazy("Scoring, seconds"),
}


def figure(subject: Subject) -> Figure:
    """The runs on one engine as points, and their Pareto front as a step line."""
    filters, runs = subject.filters, subject.timed
    if not runs:
        return Figure(name="cost", facts={"engine": filters.engine})
    front = pareto(runs, filters.cost)
    best = _best_of_groups(runs)
    corners = evenly_spaced(front, MOST_CORNERS)
    shown = sample(runs, [*corners, *best, *(run for run in runs if run.own)])
    limits = score_limits([run.score for run in runs])
    return Figure(
        name="cost",
        data={"runs": [_point(run, filters.cost) for run in shown], "front": _steps(corners, filters.cost, runs)},
        limits=limits,
        words=_words(filters.cost),
        facts=_facts(runs, front, filters.cost)
        | {
            "engine": filters.engine,
            "below": below([run.score for run in runs], limits),
            "shown": len(shown),
            "own_shown": any(run.own for run in runs),
        },
        table=_table(front, best, filters.cost),
        records=_records(runs, front),
    )


def cost_of(run: ChartRun, what: str) -> float:
    """A run's cost in seconds: of training, scoring, or `both`."""
    train, predict = run.train_s or 0.0, run.predict_s or 0.0
    return max(LEAST_COST, {"train": train, "predict": predict}.get(what, train + predict))


def pareto(runs: list[ChartRun], what: str) -> list[ChartRun]:
    """The runs that no other run beats at both score and cost, cheapest first."""
    front: list[ChartRun] = []
    for run in sorted(runs, key=lambda run: (cost_of(run, what), -run.score, run.number)):
        if not front or run.score > front[-1].score:
            front.append(run)
    return front


def _best_of_groups(runs: list[ChartRun]) -> list[ChartRun]:
    best: dict[int, ChartRun] = {}
    for run in sorted(runs, key=lambda run: (-run.score, run.number)):
        best.setdefault(run.group_id, run)
    return list(best.values())


def _facts(runs: list[ChartRun], front: list[ChartRun], what: str) -> dict[str, Any]:
    best = front[-1]
    cheaper = [run for run in front[:-1] if cost_of(run, what) <= cost_of(best, what) / 2]
    bargain = max(cheaper, key=lambda run: _bargain(run, best, what), default=None)
    facts: dict[str, Any] = {"count": len(runs), "best": best, "best_cost": cost_of(best, what), "what": what}
    if bargain is None:
        return facts
    return facts | {
        "bargain": bargain,
        "times": round_factor(cost_of(best, what) / cost_of(bargain, what)),
        "points": round(100 * (best.score - bargain.score), 2),
        "other_hardware": bargain.hardware != best.hardware,
    }


def _bargain(run: ChartRun, best: ChartRun, what: str) -> float:
    """How good a bargain a cheaper run is: the log of its cost advantage per point of score lost."""
    return log(cost_of(best, what) / cost_of(run, what)) / (best.score - run.score + 0.002)


def round_factor(factor: float) -> str:
    """A factor with two significant digits: `1.7`, `30`, `1,200`."""
    return f"{factor:.1f}" if factor < 9.95 else f"{float(f'{factor:.2g}'):,.0f}"


def _point(run: ChartRun, what: str) -> Row:
    return {
        "group": run.group, "own": run.own, "family": run.family_label, "model": run.title,
        "score": run.score, "score_text": score(run.score), "cost": cost_of(run, what),
        "cost_text": seconds(cost_of(run, what)), "hardware": run.hardware, "engine": run.engine_version or run.engine,
    }  # fmt: skip


def _steps(front: list[ChartRun], what: str, runs: list[ChartRun]) -> list[Row]:
    """The front's corners, extended to the cost of the most expensive run."""
    corners = [{"cost": cost_of(run, what), "score": run.score} for run in front]
    return [*corners, {"cost": max(cost_of(run, what) for run in runs), "score": front[-1].score}]


def _words(what: str) -> dict[str, Any]:
    return {
        "families": [str(family.label) for family in all_families()],
        "cost": str(AXES[what]), "score": _("Score"), "group": _("Group"), "model": _("Model"), "time": _("Cost"),
        "hardware": _("Hardware"), "engine": _("Engine"),
    }  # fmt: skip


def _table(front: list[ChartRun], best: list[ChartRun], what: str) -> Table:
    on_front = {run.number for run in front}
    rows = [*reversed(front), *(run for run in best if run.number not in on_front)]
    return Table(
        head=[_("Group"), _("Model"), _("Score"), _("Cost"), _("Hardware"), _("On the front")],
        numeric=[False, False, True, True, False, False],
        rows=[
            [run.group, run.title, score(run.score), seconds(cost_of(run, what)), run.hardware,
             _("yes") if run.number in on_front else ""]
            for run in rows[:MOST_ROWS]
        ],
        left_out=max(0, len(rows) - MOST_ROWS),
    )  # fmt: skip


def _records(runs: list[ChartRun], front: list[ChartRun]) -> list[Row]:
    on_front = {run.number for run in front}
    return [
        {
            "submission": run.number, "group": run.group, "family": run.family, "model": run.model,
            "score": run.score, "train_s": run.train_s, "predict_s": run.predict_s, "hardware": run.hardware,
            "device": run.device, "engine": run.engine_version or run.engine, "on_front": run.number in on_front,
        }
        for run in runs
    ]  # fmt: skip
