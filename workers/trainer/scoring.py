"""Train a spec on a data set's training part and score it on its test part, with everything timed."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from submissions.images.split import private_indexes
from submissions.specs.families import family_of
from submissions.specs.spec import Spec
from submissions.specs.validation import validate
from workers.datasets import store
from workers.engines.engine import AS_STOCK, versions_text
from workers.engines.registry import engine_named
from workers.engines.run import Labels, Run, Values
from workers.probes import energy
from workers.probes.usage import HostLoad, Sampler, cpu_seconds
from workers.processes.protocol import DEVICE, THREADS, Unfit
from workers.trainer import insight, preprocessing, stock_time
from workers.trainer.faults import what_any_model_needs

Report = Callable[[dict[str, Any]], None]


class Stopwatch:
    """Seconds on the monotonic clock between one call of `lap` and the next."""

    def __init__(self, began: float) -> None:
        self.began = self._last = began
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = round(now - self._last, 6)
        self._last = now


def score(job: dict[str, Any], *, since: float, report: Report) -> dict[str, Any]:
    """The result of a job (see `workers.trainer`) that waits since `since` on `time.monotonic`'s clock.

    `startup_s` is what the run waited for the trainer and its imports, `data_load_s` includes turning bytes into what
    the library takes, `preprocess_s` are the steps before the model (None without any), `first_step_s` is the part of
    `train_s` up to the end of the first training step.
    """
    device, threads = os.environ.get(DEVICE, "cpu"), job.get("threads") or int(os.environ.get(THREADS) or 1)
    if job["device"] != device:
        raise Unfit(f"This trainer computes on {device}, not on {job['device']}.")
    spec = validate(job["spec"], dataset=job["dataset"], offered_only=False)
    with what_any_model_needs():
        family, engine = family_of(spec), engine_named(job["engine"])
        engine.warm(family)
    watch = Stopwatch(since)
    watch.lap("startup_s")
    cpu_before = cpu_seconds()
    with (
        _thread_pools(engine.name, family.name).limit(limits=threads),
        Sampler() as sampler,
        HostLoad(threads) as company,
    ):
        with what_any_model_needs():
            data = store.load(job["dataset"])
        run = Run(seed=job["seed"], threads=threads, dataset=data, device=device, report=report)
        estimator = engine.build(spec, run)
        predicted, test_images, joules = _compute(spec, estimator, run, watch)
    remark = getattr(estimator, "remark", AS_STOCK if engine.as_stock(family) else "")
    libraries, cpu_s = getattr(estimator, "libraries", engine.libraries(family)), cpu_seconds() - cpu_before
    watch.laps["total_s"] = round(time.monotonic() - since, 6)
    private = private_indexes(len(predicted), job["private_share"], job["split_seed"])
    tested = insight.Tested(spec=spec, dataset=data, images=test_images, predicted=predicted, private=private)
    return {
        **_count(predicted, data.test_labels, private),
        "timing": {
            "preprocess_s": None,
            **watch.laps,
            "first_step_s": run.first_step_s,
            "cpu_s": round(cpu_s, 3),
        },
        "stock_predicted_s": stock_time.predicted(spec, run, estimator, engine=engine, laps=watch.laps, cpu_s=cpu_s),
        "peak_memory_bytes": sampler.peak_memory_bytes,
        "epochs": run.epochs,
        "threads_asked": getattr(estimator, "threads", threads),
        "threads_used": sampler.threads_used,
        **company.readings(),
        "seed": run.seed,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            **libraries,
            **preprocessing.library(spec),
        },
        "engine": engine.name,
        "engine_version": (versions_text(libraries) + remark).strip(),
        "data_checksum": data.checksum,
        "parameters": getattr(estimator, "parameters", None),
        "energy": joules,
        "device": device,
        "insight": insight.look_into(estimator, tested),
    }


@cache
def _thread_pools(engine: str, family: str) -> ThreadpoolController:
    """Of the libraries that are loaded once these are warm: to look for them takes 10 ms."""
    return ThreadpoolController()


def _compute(spec: Spec, estimator: Any, run: Run, watch: Stopwatch) -> tuple[Labels, Values, dict[str, Any]]:
    """The labels predicted for the test part, its images as predicted, and the energy that all that drew."""
    prepare: Callable[[Values], Values] = getattr(estimator, "prepare", np.asarray)
    images, labels = prepare(run.dataset.train_images), np.array(run.dataset.train_labels)
    test_images = prepare(run.dataset.test_images)
    drawn = energy.start(run.device)
    watch.lap("data_load_s")
    if getattr(spec, "preprocess", ()):
        images, test_images = preprocessing.preprocessed(spec, run, images, test_images)
        watch.lap("preprocess_s")
    run.begin_fit()
    estimator.fit(images, labels)
    watch.lap("train_s")
    predicted = np.asarray(estimator.predict(test_images))
    watch.lap("predict_s")
    return predicted, test_images, drawn()


def _count(predicted: Labels, truth: Labels, private: frozenset[int]) -> dict[str, Any]:
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
