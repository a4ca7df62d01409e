"""One run as a family's trainer sees it: what it was given, and where it reports what happens."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from workers.datasets.store import Dataset

Values = npt.NDArray[Any]
Labels = npt.NDArray[np.integer[Any]]

PROGRESS_SECONDS = 0.5  # the least time between two reports of how much is done


class Estimator(Protocol):
    """What a family's trainer gives back.

    It may also have `prepare(images)`, turning n × height × width bytes into what `fit` and `predict` take (counted as
    loading data, not as training), `parameters`, the number of its weights, and `threads`, where these are others than
    the run was granted. For what it would take on the stock engine, see `workers.trainer.stock_time`.
    """

    def fit(self, images: Values, labels: Labels) -> object: ...

    def predict(self, images: Values) -> Labels: ...


@dataclass(slots=True, kw_only=True)
class Run:
    """`threads` is what the worker grants; `device` is `cpu` or `gpu`; `report` sends a message to the supervisor."""

    seed: int
    threads: int
    dataset: Dataset
    device: str = "cpu"
    report: Callable[[dict[str, Any]], None] = field(default=lambda message: None)
    first_step_s: float | None = None
    epochs: list[dict[str, Any]] = field(default_factory=list)
    _fit_began: float = field(default_factory=time.monotonic)
    _reported: float = -math.inf

    def begin_fit(self) -> None:
        self._fit_began = time.monotonic()
        self.report({"event": "started"})

    def seed_for(self, wanted: int | None) -> int:
        """The seed to use: the spec's where it names one, else the run's; what was used is recorded."""
        self.seed = self.seed if wanted is None else wanted
        return self.seed

    def threads_for(self, n_jobs: int | None) -> int | None:
        """scikit-learn's `n_jobs`, never more than the worker grants: −1 would take the cores of its neighbours."""
        if n_jobs is None:
            return None
        return self.threads if n_jobs < 0 else min(n_jobs, self.threads)

    def first_step_ended(self) -> None:
        if self.first_step_s is None:
            self.first_step_s = time.monotonic() - self._fit_began

    def progress(self, phase: str, done: float, **more: Any) -> None:
        """Say that `done` (0–1) of `phase` (`fit` or `predict`) is behind us; said too often, it is not passed on."""
        now = time.monotonic()
        if done >= 1 or now - self._reported >= PROGRESS_SECONDS:
            self._reported = now
            self.report({"event": "progress", "phase": phase, "done": round(done, 4), **more})

    def epoch_ended(self, *, epoch: int, epochs: int, seconds: float, **figures: float) -> None:
        """Record an epoch (counted from 1) with its loss, accuracy and the like."""
        finite = {name: float(value) if math.isfinite(value) else None for name, value in figures.items()}
        self.epochs.append({"seconds": round(seconds, 6), **finite})
        message = {"event": "progress", "phase": "fit", "epoch": epoch, "epochs": epochs, "done": epoch / epochs}
        self.report({**message, **self.epochs[-1]})
