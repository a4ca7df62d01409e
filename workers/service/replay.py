"""Trains an attempt again, outside Celery and recording nothing, and compares it with its record."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from submissions.models import Attempt, Score
from submissions.wording import seconds
from workers.processes.protocol import LateEvent, TrainerEvent, TrainerResult
from workers.processes.trainer_process import TrainerProcess
from workers.supervisor.run_monitor import START_SECONDS, job_for

_TIMES = {"startup_s": "start-up", "data_load_s": "loading", "train_s": "training", "predict_s": "scoring"}
_TIMES |= {"total_s": "whole run", "cpu_s": "CPU seconds"}
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One value, as recorded and as measured now."""

    name: str
    recorded: str
    now: str


@contextmanager
def trainer(attempt: Attempt, *, device: str) -> Iterator[TrainerProcess]:
    """A fresh trainer with as many threads as the attempt had."""
    process = TrainerProcess()
    process.start(threads=attempt.threads_asked or os.cpu_count() or 1, device=device)
    try:
        yield process
    finally:
        process.kill()


def events(
    attempt: Attempt, process: TrainerProcess, *, device: str, limit_s: float
) -> Iterator[TrainerEvent | LateEvent]:
    """The trainer's events about the job, up to the one that ends it.

    That is a `late` event once it has trained for `limit_s`, or if it does not begin in the time that every run has.
    """
    process.send({**job_for(attempt), "device": device})
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        event = process.receive(timeout=0.5)
        if event is None:
            continue
        if event["event"] == "exited" or event.get("attempt") == attempt.pk:
            yield event
        if event["event"] == "started":
            deadline = time.monotonic() + limit_s
        if event["event"] in ("done", "failed", "exited"):
            return
    yield {"event": "late"}


def compare(attempt: Attempt, result: TrainerResult) -> list[ReplayRow]:
    """The recorded attempt beside this run's `result`, row by row."""
    score = Score.objects.filter(attempt=attempt).first()
    timing = result["timing"]
    return [
        ReplayRow("score", _score(score.correct, score.total) if score else NOTHING, _score(**result["public"])),
        *(
            ReplayRow(label, seconds(getattr(attempt, name)), seconds(cast(float | None, timing.get(name))))
            for name, label in _TIMES.items()
        ),
        ReplayRow("peak memory", _megabytes(attempt.peak_memory_bytes), _megabytes(result["peak_memory_bytes"])),
        ReplayRow("threads", str(attempt.threads_used or NOTHING), str(result["threads_used"] or NOTHING)),
        ReplayRow("seed", str(NOTHING if attempt.seed is None else attempt.seed), str(result["seed"])),
        *_versions(attempt.versions, result["versions"]),
    ]


def changed_answers(attempt: Attempt, result: TrainerResult) -> int | None:
    """The number of test images on which the two runs disagree; None if no score was recorded."""
    score = Score.objects.filter(attempt=attempt).first()
    if score is None:
        return None
    before, now = (dict(cast(list[tuple[int, int]], errors)) for errors in (score.errors, result["errors"]))
    return sum(before.get(index) != now.get(index) for index in before.keys() | now.keys())


def _score(correct: int, total: int) -> str:
    return f"{correct / total:.5f} ({correct} of {total})" if total else NOTHING


def _megabytes(size: int | None) -> str:
    return NOTHING if size is None else f"{size >> 20:,} MB"


def _versions(recorded: Mapping[str, str], now: Mapping[str, str]) -> list[ReplayRow]:
    """The libraries whose versions differ between the two runs."""
    names = sorted({*recorded, *now})
    rows = [ReplayRow(name, recorded.get(name, NOTHING), now.get(name, NOTHING)) for name in names]
    return [row for row in rows if row.recorded != row.now]
