"""The time that an accelerated run would have taken on the stock engine, on this machine: predicted, never measured.

Nothing is computed for it while the run's clock runs. Where the accelerated engine does the stock engine's own work on
more cores, the prediction is the run's CPU seconds. Elsewhere it is the family's formula (`submissions.specs.cost`),
which was fitted to runs on one machine, times the slowness of this one.
"""

from __future__ import annotations

from collections.abc import Mapping

from submissions.specs import cost
from submissions.specs.engines import STOCK
from submissions.specs.families import family_of
from submissions.specs.spec import DATASETS, Spec
from workers.engines.engine import Engine
from workers.engines.run import Estimator, Run
from workers.trainer import machine_speed


def predicted(
    spec: Spec, run: Run, estimator: Estimator, *, engine: Engine, seconds: Mapping[str, float], cpu_s: float
) -> float | None:
    """Seconds of training and scoring; None for a run on the stock engine or a GPU, and where there is no formula.

    `seconds` (by phase) and `cpu_s` are what the run itself took.
    """
    if engine.name == STOCK or run.device == "gpu":
        return None
    if engine.as_stock(family_of(spec)) if estimator.as_stock is None else estimator.as_stock:
        return round(seconds["train_s"] + seconds["predict_s"], 3)
    if estimator.stock_threads:
        return round(cpu_s / estimator.stock_threads, 3)
    estimate = cost.estimated_seconds(spec, DATASETS[run.dataset.name], accelerated=False)
    return None if estimate is None else round(estimate * machine_speed.slowness(), 3)
