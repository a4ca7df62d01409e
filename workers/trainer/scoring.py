"""Train a spec on a data set's training part and score it on its test part, with everything timed."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from submissions.images.split import private_indexes
from submissions.specs.families import family_of
from submissions.specs.spec import Spec
from submissions.specs.validation import validate
from workers.datasets import store
from workers.engines.engine import AS_STOCK, Engine, versions_text
from workers.engines.registry import engine_named
from workers.engines.run import Estimator, Labels, Run, Values
from workers.probes import energy
from workers.probes.usage import HostLoad, Sampler, cpu_seconds
from workers.processes.protocol import (
    DEVICE,
    THREADS,
    Answers,
    EnergyReading,
    HostReadings,
    Measurements,
    Provenance,
    RunReport,
    TrainerResult,
    TrainJob,
    Unfit,
)
from workers.trainer import insight, preprocessing, stock_time
from workers.trainer.faults import what_any_model_needs

Report = Callable[[RunReport], None]


class PhaseTimer:
    """Seconds of each phase on the monotonic clock; a phase begins where the one before it ended."""

    def __init__(self, began: float) -> None:
        self.began = self._last = began
        self.seconds: dict[str, float] = {}

    def phase_ended(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(now - self._last, 6)
        self._last = now

    def all_ended(self) -> None:
        self.seconds["total_s"] = round(time.monotonic() - self.began, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRun:
    """A trained estimator, its predictions, and what was measured meanwhile."""

    spec: Spec
    engine: Engine
    run: Run
    estimator: Estimator
    test_images: Values  # as the estimator took them
    predicted: Labels
    seconds: dict[str, float]
    cpu_s: float
    energy: EnergyReading
    peak_memory_bytes: int
    threads_used: int
    host: HostReadings


def score(job: TrainJob, *, since: float, report: Report) -> TrainerResult:
    """The result of a job that has been waiting since `since` on `time.monotonic`'s clock.

    `startup_s` is what the run waited for the trainer and its imports, `data_load_s` includes turning bytes into what
    the library takes, `preprocess_s` are the steps before the model (None without any), `first_step_s` is the part of
    `train_s` up to the end of the first training step.
    """
    device = os.environ.get(DEVICE, "cpu")
    if job["device"] != device:
        raise Unfit(f"This trainer computes on {device}, not on {job['device']}.")
    spec = validate(job["spec"], dataset=job["dataset"], offered_only=False)
    with what_any_model_needs():
        engine = engine_named(job["engine"])
        engine.warm(family_of(spec))
    scored = _train(job, spec, engine, since=since, report=report)
    private = private_indexes(len(scored.predicted), job["private_share"], job["split_seed"])
    tested = insight.Tested(
        spec=spec, dataset=scored.run.dataset, images=scored.test_images, predicted=scored.predicted, private=private
    )
    return {
        **_answers(scored.predicted, scored.run.dataset.test_labels, private),
        **_measurements(scored),
        **_provenance(scored),
        "insight": insight.insight_into(scored.estimator, tested),
    }


def _train(job: TrainJob, spec: Spec, engine: Engine, *, since: float, report: Report) -> ScoredRun:
    threads = job.get("threads") or int(os.environ.get(THREADS) or 1)
    timer = PhaseTimer(since)
    timer.phase_ended("startup_s")
    cpu_before = cpu_seconds()
    with (
        _thread_pools(engine.name, family_of(spec).name).limit(limits=threads),
        Sampler() as sampler,
        HostLoad(threads) as host,
    ):
        with what_any_model_needs():
            data = store.load(job["dataset"])
        run = Run(seed=job["seed"], threads=threads, dataset=data, device=job["device"], report=report)
        estimator = engine.build(spec, run)
        predicted, test_images, drawn = _fit_and_predict(spec, estimator, run, timer)
    cpu_s = cpu_seconds() - cpu_before
    timer.all_ended()
    return ScoredRun(
        spec=spec,
        engine=engine,
        run=run,
        estimator=estimator,
        test_images=test_images,
        predicted=predicted,
        seconds=timer.seconds,
        cpu_s=cpu_s,
        energy=drawn,
        peak_memory_bytes=sampler.peak_memory_bytes,
        threads_used=sampler.threads_used,
        host=host.readings(),
    )


@cache
def _thread_pools(engine: str, family: str) -> ThreadpoolController:
    """The thread pools of the libraries that are loaded once these two are warm: looking for them takes 10 ms."""
    return ThreadpoolController()


def _fit_and_predict(
    spec: Spec, estimator: Estimator, run: Run, timer: PhaseTimer
) -> tuple[Labels, Values, EnergyReading]:
    """The labels predicted for the test part, its images as the estimator took them, and the energy drawn."""
    images, labels = estimator.prepare(run.dataset.train_images), np.array(run.dataset.train_labels)
    test_images = estimator.prepare(run.dataset.test_images)
    drawn = energy.start(run.device)
    timer.phase_ended("data_load_s")
    if getattr(spec, "preprocess", ()):
        images, test_images = preprocessing.preprocessed(spec, run, images, test_images)
        timer.phase_ended("preprocess_s")
    run.begin_fit()
    estimator.fit(images, labels)
    timer.phase_ended("train_s")
    predicted = np.asarray(estimator.predict(test_images))
    timer.phase_ended("predict_s")
    return predicted, test_images, drawn()


def _answers(predicted: Labels, truth: Labels, private: frozenset[int]) -> Answers:
    """Correct answers and total on the public and the private part; the errors of both, as [index, predicted]."""
    if predicted.shape != truth.shape:
        raise ValueError(f"The model gave answers of shape {predicted.shape} for {len(truth)} images.")
    wrong = np.flatnonzero(predicted != truth)
    wrong_private = sum(int(index) in private for index in wrong)
    public_total = len(truth) - len(private)
    return {
        "public": {"correct": public_total - (len(wrong) - wrong_private), "total": public_total},
        "private": {"correct": len(private) - wrong_private, "total": len(private)},
        "errors": [[int(index), int(predicted[index])] for index in wrong],
    }


def _measurements(scored: ScoredRun) -> Measurements:
    run, estimator, seconds = scored.run, scored.estimator, scored.seconds
    return {
        **scored.host,
        "timing": {
            "startup_s": seconds["startup_s"],
            "data_load_s": seconds["data_load_s"],
            "preprocess_s": seconds.get("preprocess_s"),
            "train_s": seconds["train_s"],
            "predict_s": seconds["predict_s"],
            "first_step_s": run.first_step_s,
            "total_s": seconds["total_s"],
            "cpu_s": round(scored.cpu_s, 3),
        },
        "stock_predicted_s": stock_time.predicted(
            scored.spec, run, estimator, engine=scored.engine, seconds=seconds, cpu_s=scored.cpu_s
        ),
        "peak_memory_bytes": scored.peak_memory_bytes,
        "threads_asked": run.threads if estimator.threads is None else estimator.threads,
        "threads_used": scored.threads_used,
        "epochs": run.epochs,
        "energy": scored.energy,
    }


def _provenance(scored: ScoredRun) -> Provenance:
    run, engine, estimator, family = scored.run, scored.engine, scored.estimator, family_of(scored.spec)
    libraries = engine.libraries(family) if estimator.libraries is None else dict(estimator.libraries)
    remark = (AS_STOCK if engine.as_stock(family) else "") if estimator.remark is None else estimator.remark
    return {
        "seed": run.seed,
        "device": run.device,
        "engine": engine.name,
        "engine_version": (versions_text(libraries) + remark).strip(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            **libraries,
            **preprocessing.library(scored.spec),
        },
        "data_checksum": run.dataset.checksum,
        "parameters": estimator.parameters,
    }
