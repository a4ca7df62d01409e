"""Training time against trainable parameters, with a colour and a shape for each hardware."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, sqrt
from typing import Any

from django.utils.translation import gettext as _

from leaderboard.charts.cost import LEAST_COST, round_factor
from leaderboard.charts.figure import MOST_ROWS, Figure, Row, Subject, Table, sample
from leaderboard.charts.runs import ChartRun
from submissions.models import Submission
from submissions.specs import shapes
from submissions.specs.validation import validate
from submissions.wording import score, seconds

MOST_NETWORKS = 600
LEAST_SPAN = 2  # largest over smallest network; below that a fit says nothing about growth


def figure(subject: Subject) -> Figure:
    """The visible networks of one engine, with a power law fitted to each hardware."""
    networks = [run for run in subject.timed if run.parameters]
    if not networks:
        return Figure(name="size", facts={"engine": subject.filters.engine})
    networks = sample(networks, [run for run in networks if run.own], MOST_NETWORKS)
    sizes = _trainable(networks, subject.quest.dataset)
    networks = [run for run in networks if sizes[run.number] > 0]
    by_hardware = _by_hardware(networks)
    fits = {name: fit for name, runs in by_hardware.items() if (fit := power_law(runs, sizes))}
    return Figure(
        name="size",
        data={
            "runs": [_point(run, sizes) for runs in by_hardware.values() for run in runs],
            "fits": [
                row for place, name in enumerate(by_hardware) if name in fits for row in fits[name].ends(name, place)
            ],
        },
        words=_words(),
        facts=_facts(by_hardware, fits)
        | {"engine": subject.filters.engine, "count": len(networks), "own_shown": any(run.own for run in networks)},
        table=_table(networks, sizes),
        records=[_record(run, sizes) for run in networks],
    )


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """seconds = factor · parameters ** power, by least squares on the logarithms; `low` and `high` bound the sizes."""

    factor: float
    power: float
    low: int
    high: int

    def seconds(self, parameters: float) -> float:
        return self.factor * parameters**self.power

    def ends(self, name: str, place: int) -> list[Row]:
        """Both ends of the fitted line. `place` is the hardware's index, which selects its colour."""
        at = {"hardware": name, "place": place}
        return [{**at, "parameters": size, "train": self.seconds(size)} for size in (self.low, self.high)]


def power_law(runs: list[ChartRun], sizes: dict[int, int]) -> PowerLaw | None:
    """The fit; None for fewer than three runs, or for sizes within a factor of `LEAST_SPAN`."""
    low, high = min(sizes[run.number] for run in runs), max(sizes[run.number] for run in runs)
    if len(runs) < 3 or high < LEAST_SPAN * low:
        return None
    xs = [log(sizes[run.number]) for run in runs]
    ys = [log(_time(run)) for run in runs]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    power = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / sum((x - x_mean) ** 2 for x in xs)
    return PowerLaw(exp(y_mean - power * x_mean), power, low, high)


def _time(run: ChartRun) -> float:
    return max(LEAST_COST, run.train_s or 0.0)


def _by_hardware(runs: list[ChartRun]) -> dict[str, list[ChartRun]]:
    """Hardware → runs, most used first, so that colours stay stable."""
    found: dict[str, list[ChartRun]] = defaultdict(list)
    for run in runs:
        found[run.hardware].append(run)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _facts(by_hardware: dict[str, list[ChartRun]], fits: dict[str, PowerLaw]) -> dict[str, Any]:
    device = {name: runs[0].device for name, runs in by_hardware.items()}
    facts: dict[str, Any] = {"hardware": list(by_hardware), "devices": sorted(set(device.values()))}
    gpu = next((name for name in fits if device[name] == "gpu"), None)
    cpu = next((name for name in fits if device[name] == "cpu"), None)
    if gpu and cpu:
        return facts | compare_gpu_with_cpu(gpu, fits[gpu], cpu, fits[cpu])
    if fits:
        name, fit = next(iter(fits.items()))
        facts |= {"fitted": name, "growth": round_factor(10**fit.power), "shrinks": fit.power < 0}
    return facts


def compare_gpu_with_cpu(gpu: str, on_gpu: PowerLaw, cpu: str, on_cpu: PowerLaw) -> dict[str, Any]:
    """GPU against CPU at a size that both have trained; empty where their sizes do not overlap."""
    low, high = max(on_gpu.low, on_cpu.low), min(on_gpu.high, on_cpu.high)
    if low > high:
        return {}
    size = float(f"{sqrt(low * high):.1g}")
    ratio = on_cpu.seconds(size) / on_gpu.seconds(size)
    return {
        "gpu": gpu,
        "cpu": cpu,
        "at": round(size),
        "gpu_faster": ratio >= 1,
        "times": round_factor(max(ratio, 1 / ratio)),
    }


def _trainable(runs: list[ChartRun], dataset: str) -> dict[int, int]:
    """Submission id → trainable parameters. The row's own count includes the fixed ones."""
    specs = Submission.objects.filter(pk__in=[run.number for run in runs]).values_list("pk", "spec")
    return {number: _count(json.dumps(spec), dataset) for number, spec in specs}


@lru_cache(maxsize=20_000)
def _count(spec: str, dataset: str) -> int:
    counted = shapes.parameters(validate(json.loads(spec), dataset=dataset, offered_only=False))
    return counted[0] if counted else 0


def _point(run: ChartRun, sizes: dict[int, int]) -> Row:
    return {
        "group": run.group, "own": run.own, "model": run.title, "hardware": run.hardware,
        "parameters": sizes[run.number], "train": _time(run), "train_text": seconds(run.train_s),
        "score_text": score(run.score),
    }  # fmt: skip


def _words() -> dict[str, Any]:
    return {
        "parameters": _("Trainable parameters"), "train": _("Training, seconds"), "hardware": _("Hardware"),
        "group": _("Group"), "model": _("Model"), "score": _("Score"), "time": _("Training"),
    }  # fmt: skip


def _table(runs: list[ChartRun], sizes: dict[int, int]) -> Table:
    ordered = sorted(runs, key=lambda run: (sizes[run.number], run.number))
    return Table(
        head=[_("Group"), _("Trainable parameters"), _("Training"), _("Score"), _("Hardware")],
        numeric=[False, True, True, True, False],
        rows=[
            [run.group, f"{sizes[run.number]:,}", seconds(run.train_s), score(run.score), run.hardware]
            for run in ordered[:MOST_ROWS]
        ],
        left_out=max(0, len(ordered) - MOST_ROWS),
    )


def _record(run: ChartRun, sizes: dict[int, int]) -> Row:
    return {
        "submission": run.number, "group": run.group, "model": run.model, "trainable": sizes[run.number],
        "train_s": run.train_s, "score": run.score, "hardware": run.hardware, "device": run.device,
        "engine": run.engine_version or run.engine,
    }  # fmt: skip
