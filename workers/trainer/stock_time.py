"""What an accelerated run would have taken on the stock engine, on this machine: predicted, never measured.

Nothing is computed for it while the run's clock goes. Where the accelerated engine does the stock engine's own work on
more cores, the CPU seconds of the run tell; else the family's formula (`submissions.specs.cost`), fitted to runs on one
machine and carried over to this one by its pace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from submissions.specs import cost
from submissions.specs.engines import STOCK
from submissions.specs.families import family_of
from submissions.specs.spec import DATASETS, Spec
from workers.engines.engine import Engine
from workers.engines.run import Run
from workers.trainer import machine_speed


def predicted(
    spec: Spec, run: Run, estimator: Any, *, engine: Engine, laps: Mapping[str, float], cpu_s: float
) -> float | None:
    """Seconds of training and scoring; None for a run on the stock engine or a GPU, and where nobody knows.

    `laps` and `cpu_s` are what the run itself took.
    """
    if engine.name == STOCK or run.device == "gpu":
        return None
    if getattr(estimator, "as_stock", engine.as_stock(family_of(spec))):
        return round(laps["train_s"] + laps["predict_s"], 3)
    if threads := getattr(estimator, "stock_threads", None):
        return round(cpu_s / threads, 3)
    seconds = cost.estimated_seconds(spec, DATASETS[run.dataset.name], accelerated=False)
    return None if seconds is None else round(seconds * machine_speed.slowness(), 3)
