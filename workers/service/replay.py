"""An attempt trained again, outside Celery and recording nothing, beside what was recorded of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from submissions.models import Attempt, Score
from submissions.wording import seconds
from workers.processes.protocol import Message
from workers.processes.trainer_process import TrainerProcess
from workers.supervisor.supervisor import START_SECONDS, job_for

_TIMES = {"startup_s": "start-up", "data_load_s": "loading", "train_s": "training", "predict_s": "scoring"}
_TIMES |= {"total_s": "whole run", "cpu_s": "CPU seconds"}
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One fact, as it was recorded and as it is now."""

    name: str
    recorded: str
    now: str


@contextmanager
def trainer(attempt: Attempt, *, device: str) -> Iterator[TrainerProcess]:
    """A trainer as the attempt had it: as many threads, a process of its own."""
    process = TrainerProcess()
    process.start(threads=attempt.threads_asked or os.cpu_count() or 1, device=device)
    try:
        yield process
    finally:
        process.kill()


def messages(attempt: Attempt, process: TrainerProcess, *, device: str, limit_s: float) -> Iterator[Message]:
    """What the trainer says about the job, up to the message that ends it.

    `{"event": "late"}` once it has trained for `limit_s`, or has not begun within the time that every run has for that.
    """
    process.send({**job_for(attempt), "device": device})
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        message = process.receive(timeout=0.5) or {}
        if message.get("event") == "exited" or message.get("attempt") == attempt.pk:
            yield message
        if message.get("event") == "started":
            deadline = time.monotonic() + limit_s
        if message.get("event") in ("done", "failed", "exited"):
            return
    yield {"event": "late"}


def beside(attempt: Attempt, result: Mapping[str, Any]) -> list[ReplayRow]:
    """The recorded attempt and this run's `result`, fact by fact."""
    score = Score.objects.filter(attempt=attempt).first()
    timing = result["timing"]
    return [
        ReplayRow("score", _score(score.correct, score.total) if score else NOTHING, _score(**result["public"])),
        *(
            ReplayRow(label, seconds(getattr(attempt, name)), seconds(timing.get(name)))
            for name, label in _TIMES.items()
        ),
        ReplayRow("peak memory", _megabytes(attempt.peak_memory_bytes), _megabytes(result["peak_memory_bytes"])),
        ReplayRow("threads", str(attempt.threads_used or NOTHING), str(result["threads_used"] or NOTHING)),
        ReplayRow("seed", str(NOTHING if attempt.seed is None else attempt.seed), str(result["seed"])),
        *_versions(attempt.versions, result["versions"]),
    ]


def changed_answers(attempt: Attempt, result: Mapping[str, Any]) -> int | None:
    """On how many test images the two runs disagree; None where no score was recorded."""
    score = Score.objects.filter(attempt=attempt).first()
    if score is None:
        return None
    before, now = (dict(errors) for errors in (score.errors, result["errors"]))
    return sum(before.get(index) != now.get(index) for index in before.keys() | now.keys())


def _score(correct: int, total: int) -> str:
    return f"{correct / total:.5f} ({correct} of {total})" if total else NOTHING


def _megabytes(size: int | None) -> str:
    return NOTHING if size is None else f"{size >> 20:,} MB"


def _versions(recorded: Mapping[str, str], now: Mapping[str, str]) -> list[ReplayRow]:
    """Libraries of which the two runs had another version."""
    names = sorted({*recorded, *now})
    rows = [ReplayRow(name, recorded.get(name, NOTHING), now.get(name, NOTHING)) for name in names]
    return [row for row in rows if row.recorded != row.now]
