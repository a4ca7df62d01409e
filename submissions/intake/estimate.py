"""How long a model that is not submitted yet should run: by past runs, and by the arithmetic where there are none."""

from __future__ import annotations

import json

from submissions.intake.submit import devices_for
from submissions.models import Device, Quest, Worker
from submissions.queue.run_times import Forecast, Forecaster, Job
from submissions.specs import cost
from submissions.specs.engines import ACCELERATED, STOCK
from submissions.specs.spec import DATASETS, Spec, dump

AROUND_IT = 0.5  # seconds that a run takes beside training and scoring, in a trainer that is warm
WITHIN = 3  # the factor by which the arithmetic may be wrong, either way


def expected(spec: Spec, quest: Quest, *, device: str = "", engine: str = "") -> Forecast | None:
    """What a run of `spec` should take in all, within the quest's limit; one that rests on no run says runs=0.

    None where neither is known: on a GPU, and of engines that were added, nothing but runs tells.
    """
    engine, device = engine or quest.default_engine, _settled(device or devices_for(spec)[0])
    job = Job(spec.family, json.dumps(dump(spec)), quest.dataset, engine, quest.run_seconds)
    past = Forecaster().run(job, device)
    return past if past or device == Device.GPU else _by_arithmetic(spec, quest, engine)


def _settled(device: str) -> str:
    """The device that would be taken now."""
    if device != Device.AUTO:
        return device
    return Device.GPU if Worker.objects.alive().filter(device=Device.GPU).exists() else Device.CPU


def _by_arithmetic(spec: Spec, quest: Quest, engine: str) -> Forecast | None:
    if engine not in (STOCK, ACCELERATED):
        return None
    work = cost.estimated_seconds(spec, DATASETS[quest.dataset], accelerated=engine == ACCELERATED)
    if work is None:
        return None
    low, middle, high = (AROUND_IT + work * factor for factor in (1 / WITHIN, 1, WITHIN))
    return Forecast(middle, low, high, runs=0, alike=False).capped(quest.run_seconds)
