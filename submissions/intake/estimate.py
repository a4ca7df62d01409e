"""Estimates the running time of a model before it is submitted, from past runs or else from its operation count."""

from __future__ import annotations

import json

from submissions.intake.submit import devices_for
from submissions.models import Device, Quest, Worker
from submissions.queue.run_times import Forecast, Forecaster, Job
from submissions.specs import cost
from submissions.specs.engines import ACCELERATED, STOCK
from submissions.specs.spec import DATASETS, Spec, dump

OVERHEAD_S = 0.5  # of a run besides training and scoring, in a warm trainer
UNCERTAINTY = 3  # the rough estimate may be wrong by this factor, either way


def estimate_run(spec: Spec, quest: Quest, *, device: str = "", engine: str = "") -> Forecast | None:
    """The predicted total running time of `spec`, cut off at the quest's limit. A rough estimate has runs=0.

    None if no past run is known and there is no formula, as for GPUs and added engines.
    """
    engine, device = engine or quest.default_engine, _resolve_device(device or devices_for(spec)[0])
    job = Job(spec.family, json.dumps(dump(spec)), quest.dataset, engine, quest.run_seconds)
    past = Forecaster().run(job, device)
    return past if past or device == Device.GPU else _rough_estimate(spec, quest, engine)


def _resolve_device(device: str) -> str:
    """The device that `auto` means now."""
    if device != Device.AUTO:
        return device
    return Device.GPU if Worker.objects.alive().filter(device=Device.GPU).exists() else Device.CPU


def _rough_estimate(spec: Spec, quest: Quest, engine: str) -> Forecast | None:
    if engine not in (STOCK, ACCELERATED):
        return None
    seconds = cost.estimated_seconds(spec, DATASETS[quest.dataset], accelerated=engine == ACCELERATED)
    if seconds is None:
        return None
    low, middle, high = (OVERHEAD_S + seconds * factor for factor in (1 / UNCERTAINTY, 1, UNCERTAINTY))
    return Forecast(middle, low, high, runs=0, alike=False).capped(quest.run_seconds)
