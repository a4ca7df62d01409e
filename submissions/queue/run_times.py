"""How long a run will take, from the medians of past runs of the same family and size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import log2
from statistics import median, quantiles

from django.core.cache import cache
from django.db.models import F, TextField
from django.db.models.functions import Cast

from submissions.models import Attempt, Exit, Worker
from submissions.specs import cost
from submissions.specs.families import family_named
from submissions.specs.spec import Spec

KEPT_SECONDS = 10  # that a process goes on using what it has read
LATEST = 500  # past runs that are looked at
ENOUGH = 3  # runs that a forecast should rest on, where there are as many
SAME_SIZE = 0.5  # in powers of two
UNLIKE = 3  # the factor by which runs of another kind or size may mislead, either way


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds that a run will take: the median, and between what 10 % and 90 % of `runs` past runs lay.

    `alike` tells whether those were of the same kind and about the same size; else the range is wider by a factor.
    """

    seconds: float
    low: float
    high: float
    runs: int
    alike: bool

    def capped(self, limit: float) -> Forecast:
        """The same within a quest's limit, at which a run is stopped."""
        return Forecast(min(self.seconds, limit), min(self.low, limit), min(self.high, limit), self.runs, self.alike)


@dataclass(frozen=True, slots=True)
class Job:
    """What a forecast goes by: the spec as JSON text, on which data, by which engine, stopped after how long."""

    family: str
    spec: str
    dataset: str
    engine: str
    run_seconds: int


@dataclass(frozen=True, slots=True)
class Past:
    """A run that was scored, and its size."""

    kind: str
    amount: float
    engine: str
    hardware: int
    seconds: float


def spec_text(path: str = "spec") -> Cast:
    """The spec as the text that the database holds: `size_of` remembers it, and a dict could not be remembered."""
    return Cast(F(path), TextField())


@lru_cache(maxsize=20_000)
def size_of(family: str, text: str) -> tuple[str, float] | None:
    """The size that the spec in this JSON text says it has; None for a family that this process does not know."""
    try:
        spec: Spec = family_named(family).spec.model_validate_json(text)
    except (KeyError, ValueError):
        return None
    return cost.size(spec)


class Forecaster:
    """Forecasts from one look at the past; cheap to ask again and again, and to be thrown away after a request."""

    def __init__(self) -> None:
        self._known: dict[tuple[Job, str], Forecast | None] = {}
        self._past: dict[tuple[str, str, str], list[Past]] = {}

    def run(self, job: Job, device: str) -> Forecast | None:
        """How long `job` would take on `device` in all; None where no such run was ever scored."""
        key = (job, device)
        if key not in self._known:
            found = self._forecast(job, device)
            self._known[key] = found and found.capped(job.run_seconds)
        return self._known[key]

    def _forecast(self, job: Job, device: str) -> Forecast | None:
        size = size_of(job.family, job.spec)
        past = self._look(job.family, job.dataset, device)
        if size is None or not past:
            return None
        rungs = list(_rungs(past, size, job.engine, _hardware_alive(device)))
        for enough in (ENOUGH, 1):
            for seconds, alike in rungs:
                if len(seconds) >= enough:
                    return _summed_up(seconds, alike=alike)
        return None

    def _look(self, family: str, dataset: str, device: str) -> list[Past]:
        key = (family, dataset, device)
        if key not in self._past:
            name = f"past-runs-{family}-{dataset}-{device}"
            self._past[key] = cache.get_or_set(name, lambda: _past(family, dataset, device), KEPT_SECONDS) or []
        return self._past[key]


def _past(family: str, dataset: str, device: str) -> list[Past]:
    scored = Attempt.objects.filter(
        exit=Exit.SCORED, device=device, submission__family=family, submission__quest__dataset=dataset
    )
    rows = scored.annotate(text=spec_text("submission__spec")).order_by("-id")
    found = []
    for text, engine, hardware, seconds in rows.values_list("text", "engine", "hardware", "total_s")[:LATEST]:
        size = size_of(family, text)
        if size and seconds is not None:
            found.append(Past(*size, engine, hardware, seconds))
    return found


def _hardware_alive(device: str) -> set[int]:
    """The hardware on which a run on `device` would be now."""
    name = f"hardware-alive-{device}"
    serving = Worker.objects.serving().filter(device=device)
    return set(cache.get_or_set(name, lambda: list(serving.values_list("hardware", flat=True)), KEPT_SECONDS) or ())


def _rungs(
    past: Iterable[Past], size: tuple[str, float], engine: str, hardware: set[int]
) -> Iterator[tuple[list[float], bool]]:
    """The seconds of past runs, from those most like this one to those least, and whether they were alike at all."""
    kind, amount = size
    same_kind = [run for run in past if run.kind == kind]
    same_size = [run for run in same_kind if run.engine == engine and abs(log2(run.amount / amount)) <= SAME_SIZE]
    yield [_scaled(run, amount) for run in same_size if run.hardware in hardware], True
    yield [_scaled(run, amount) for run in same_size], True
    yield [_scaled(run, amount) for run in same_kind], False
    yield [run.seconds for run in past], False


def _scaled(run: Past, amount: float) -> float:
    return run.seconds * amount / run.amount


def _summed_up(seconds: list[float], *, alike: bool) -> Forecast:
    low, *_between, high = quantiles(seconds, n=10, method="inclusive") if seconds[1:] else seconds * 2
    doubt = 1 if alike else UNLIKE
    return Forecast(median(seconds), low / doubt, high * doubt, len(seconds), alike)
