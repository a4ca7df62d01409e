"""Where the seconds of an attempt went, as numbers and as a bar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from submissions.models import Attempt

WIDTH = 1000  # of the bar, in its own units


def about(duration: float | None) -> str:
    """A predicted duration, no more exactly than it can be known: `about 4 s`, `about 3 min`, `about 1 h 20 min`."""
    if duration is None:
        return ""
    if duration < 1:
        return _("under a second")
    if duration < 55:
        seconds = round(duration) if duration < 8 else round(duration / 10) * 10
        return _("about %(seconds)s s") % {"seconds": seconds}
    if duration < 55 * 60:
        minutes = round(duration / 60) if duration < 600 else round(duration / 300) * 5
        return _("about %(minutes)s min") % {"minutes": minutes}
    hours, minutes = divmod(round(duration / 600) * 10, 60)
    words = _("about %(hours)s h %(minutes)s min") if minutes else _("about %(hours)s h")
    return words % {"hours": hours, "minutes": minutes}


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of the run; `x` and `width` are its place in the bar."""

    name: str
    seconds: float
    x: int
    width: int


def parts(attempt: Attempt) -> list[Part]:
    """The stretches of a run that ended, in order; none before its times are known."""
    if attempt.train_s is None:
        return []
    stretches = [(name, seconds) for name, seconds in _stretches(attempt) if seconds > 0]
    whole = sum(seconds for _name, seconds in stretches)
    placed, before = [], 0.0
    for name, seconds in stretches:
        x, end = round(WIDTH * before / whole), round(WIDTH * (before + seconds) / whole)
        placed.append(Part(name, seconds, x, end - x))
        before += seconds
    return placed


def _stretches(attempt: Attempt) -> Iterator[tuple[str, float]]:
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
