"""The phases of an attempt in seconds, and as parts of a bar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from submissions.models import Attempt

WIDTH = 1000  # of the bar, in view-box units


@dataclass(frozen=True, slots=True)
class Part:
    """One phase of the run; `x` and `width` are its place in the bar."""

    name: str
    seconds: float
    x: int
    width: int


def parts(attempt: Attempt) -> list[Part]:
    """The phases of a run in order; empty until its times are known."""
    if attempt.train_s is None:
        return []
    phases = [(name, seconds) for name, seconds in _phases(attempt) if seconds > 0]
    whole = sum(seconds for _name, seconds in phases)
    placed, before = [], 0.0
    for name, seconds in phases:
        x, end = round(WIDTH * before / whole), round(WIDTH * (before + seconds) / whole)
        placed.append(Part(name, seconds, x, end - x))
        before += seconds
    return placed


def _phases(attempt: Attempt) -> Iterator[tuple[str, float]]:
    first_step, train = attempt.first_step_s or 0.0, attempt.train_s or 0.0
    known = {
        "startup": attempt.startup_s or 0.0,
        "data_load": attempt.data_load_s or 0.0,
        "preprocess": attempt.preprocess_s or 0.0,
        "first_step": first_step,
        "train": max(0.0, train - first_step),
        "predict": attempt.predict_s or 0.0,
    }
    yield from known.items()
    yield "rest", max(0.0, (attempt.total_s or 0.0) - sum(known.values()))
