"""One run as an estimator sees it: its seed, threads, data and device, and where it reports its progress."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from workers.datasets.store import Dataset
from workers.processes.protocol import ProgressEvent, RunReport

Values = npt.NDArray[Any]  # of the shape and dtype that the docstring of a function gives
Labels = npt.NDArray[np.integer[Any]]

PROGRESS_SECONDS = 0.5  # the shortest time between two reports of progress


class Estimator(ABC):
    """Base class of the estimators that engines build: `fit`, `predict`, and what a run's result says about them."""

    libraries: Mapping[str, str] | None = None  # library → version; None: `LIBRARIES` of the module that built it
    remark: str | None = None  # follows the libraries in the engine's version; None: the engine decides
    threads: int | None = None  # if they differ from those granted to the run
    parameters: int | None = None  # number of weights, where the model has any
    # Both are for predicting the time on the stock engine (`workers.trainer.stock_time`).
    as_stock: bool | None = None  # whether it computed as the stock engine does; None: the engine decides
    stock_threads: int = 0  # on how many threads the stock engine would do the same work; 0: unknown

    def prepare(self, images: Values) -> Values:
        """The form of `images`, (n, height, width) uint8, that `fit` and `predict` take.

        Its time counts as loading data, not as training.
        """
        return np.asarray(images)

    @abstractmethod
    def fit(self, images: Values, labels: Labels) -> object: ...

    @abstractmethod
    def predict(self, images: Values) -> Labels:
        """The label of each image, (n,) integers."""


@dataclass(slots=True, kw_only=True)
class Run:
    """The context that an estimator is built with.

    `threads` is the number that the worker grants; `device` is `cpu` or `gpu`; `report` sends a message to the
    supervisor. `epochs` has the metrics and seconds of each finished epoch, and `first_step_s` the seconds from the
    beginning of `fit` to the end of its first step.
    """

    seed: int
    threads: int
    dataset: Dataset
    device: str = "cpu"
    report: Callable[[RunReport], None] = field(default=lambda event: None)
    first_step_s: float | None = None
    epochs: list[dict[str, Any]] = field(default_factory=list)
    _fit_began: float = field(default_factory=time.monotonic)
    _reported: float = -math.inf

    def begin_fit(self) -> None:
        """Start the clock of `first_step_s`, and report that training has started."""
        self._fit_began = time.monotonic()
        self.report({"event": "started"})

    def seed_for(self, wanted: int | None) -> int:
        """The seed to use, which the run then records: `wanted`, the spec's, or the run's own if that is None."""
        self.seed = self.seed if wanted is None else wanted
        return self.seed

    def threads_for(self, n_jobs: int | None) -> int | None:
        """scikit-learn's `n_jobs`, at most the threads that the worker grants: −1 would use the cores of other runs."""
        if n_jobs is None:
            return None
        return self.threads if n_jobs < 0 else min(n_jobs, self.threads)

    def first_step_ended(self) -> None:
        """Record the time of the first step; later calls change nothing."""
        if self.first_step_s is None:
            self.first_step_s = time.monotonic() - self._fit_began

    def progress(self, phase: str, done: float, **epoch: int) -> None:
        """Report that the share `done` (0–1) of `phase` (`fit` or `predict`) is finished.

        A report within `PROGRESS_SECONDS` of another is dropped, unless the phase is complete.
        """
        now = time.monotonic()
        if done >= 1 or now - self._reported >= PROGRESS_SECONDS:
            self._reported = now
            message = {"event": "progress", "phase": phase, "done": round(done, 4), **epoch}
            self.report(cast(ProgressEvent, message))

    def epoch_ended(self, *, epoch: int, epochs: int, seconds: float, **metrics: float) -> None:
        """Record and report an epoch, counted from 1, with its loss, accuracy and the like; NaN and ±∞ become None."""
        finite = {name: float(value) if math.isfinite(value) else None for name, value in metrics.items()}
        self.epochs.append({"seconds": round(seconds, 6), **finite})
        message = {"event": "progress", "phase": "fit", "epoch": epoch, "epochs": epochs, "done": epoch / epochs}
        self.report(cast(ProgressEvent, {**message, **self.epochs[-1]}))
