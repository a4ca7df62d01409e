"""Predicts how long a run will take from the medians of past runs of the same family and size."""

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

CACHE_SECONDS = 10
PAST_RUNS = 500  # only the latest are read
ENOUGH_RUNS = 3  # a forecast is based on at least this many, if they exist
SAME_SIZE = 0.5  # runs whose sizes differ by less than this many powers of two are about the same size
UNLIKE_FACTOR = 3  # runs of another kind or size widen the range by this factor, both ways


@dataclass(frozen=True, slots=True)
class Forecast:
    """The seconds that a run will take: median, 10 % quantile and 90 % quantile of `runs` past runs.

    `alike` is True if these were of the same kind and about the same size; otherwise the range is widened.
    """

    seconds: float
    low: float
    high: float
    runs: int
    alike: bool

    def capped(self, limit: float) -> Forecast:
        """This forecast, cut off at a quest's time limit in seconds."""
        return Forecast(min(self.seconds, limit), min(self.low, limit), min(self.high, limit), self.runs, self.alike)


@dataclass(frozen=True, slots=True)
class Job:
    """The inputs of a forecast. `spec` is JSON text; `run_seconds` is the quest's time limit."""

    family: str
    spec: str
    dataset: str
    engine: str
    run_seconds: int


@dataclass(frozen=True, slots=True)
class PastRun:
    """A scored run. `kind` and `size` come from `cost.size`."""

    kind: str
    size: float
    engine: str
    hardware: int
    seconds: float


def spec_text(path: str = "spec") -> Cast:
    """The spec as JSON text: the cache of `size_of` needs a hashable key, which a dict is not."""
    return Cast(F(path), TextField())


@lru_cache(maxsize=20_000)
def size_of(family: str, text: str) -> tuple[str, float] | None:
    """The (kind, size) of the spec in this JSON text; None if its family is unknown here or the spec is invalid."""
    try:
        spec: Spec = family_named(family).spec.model_validate_json(text)
    except (KeyError, ValueError):
        return None
    return cost.size(spec)


class Forecaster:
    """Forecasts that share one reading of the past runs. Cheap to ask again; make a new one for each request."""

    def __init__(self) -> None:
        self._forecasts: dict[tuple[Job, str], Forecast | None] = {}
        self._past_runs: dict[tuple[str, str, str], list[PastRun]] = {}

    def run(self, job: Job, device: str) -> Forecast | None:
        """The total running time of `job` on `device`; None if nothing of its family was ever scored there."""
        key = (job, device)
        if key not in self._forecasts:
            forecast = self._forecast(job, device)
            self._forecasts[key] = forecast and forecast.capped(job.run_seconds)
        return self._forecasts[key]

    def _forecast(self, job: Job, device: str) -> Forecast | None:
        size = size_of(job.family, job.spec)
        past = self._read_past_runs(job.family, job.dataset, device)
        if size is None or not past:
            return None
        candidates = list(_candidates(past, size, job.engine, _serving_hardware(device)))
        for enough in (ENOUGH_RUNS, 1):
            for seconds, alike in candidates:
                if len(seconds) >= enough:
                    return _summarise(seconds, alike=alike)
        return None

    def _read_past_runs(self, family: str, dataset: str, device: str) -> list[PastRun]:
        key = (family, dataset, device)
        if key not in self._past_runs:
            name = f"past-run-times-{family}-{dataset}-{device}"
            self._past_runs[key] = (
                cache.get_or_set(name, lambda: _past_runs(family, dataset, device), CACHE_SECONDS) or []
            )
        return self._past_runs[key]


def _past_runs(family: str, dataset: str, device: str) -> list[PastRun]:
    scored = Attempt.objects.filter(
        exit=Exit.SCORED, device=device, submission__family=family, submission__quest__dataset=dataset
    )
    rows = scored.annotate(text=spec_text("submission__spec")).order_by("-id")
    found = []
    for text, engine, hardware, seconds in rows.values_list("text", "engine", "hardware", "total_s")[:PAST_RUNS]:
        size = size_of(family, text)
        if size and seconds is not None:
            found.append(PastRun(*size, engine, hardware, seconds))
    return found


def _serving_hardware(device: str) -> set[int]:
    """Ids of the hardware whose workers serve `device` now."""
    name = f"hardware-alive-{device}"
    serving = Worker.objects.serving().filter(device=device)
    return set(cache.get_or_set(name, lambda: list(serving.values_list("hardware", flat=True)), CACHE_SECONDS) or ())


def _candidates(
    past: Iterable[PastRun], size: tuple[str, float], engine: str, hardware: set[int]
) -> Iterator[tuple[list[float], bool]]:
    """Yields (seconds of past runs, alike), from the runs most like this one to the least."""
    kind, own_size = size
    same_kind = [run for run in past if run.kind == kind]
    same_size = [run for run in same_kind if run.engine == engine and abs(log2(run.size / own_size)) <= SAME_SIZE]
    yield [_scaled(run, own_size) for run in same_size if run.hardware in hardware], True
    yield [_scaled(run, own_size) for run in same_size], True
    yield [_scaled(run, own_size) for run in same_kind], False
    yield [run.seconds for run in past], False


def _scaled(run: PastRun, size: float) -> float:
    return run.seconds * size / run.size


def _summarise(seconds: list[float], *, alike: bool) -> Forecast:
    low, *_between, high = quantiles(seconds, n=10, method="inclusive") if seconds[1:] else seconds * 2
    factor = 1 if alike else UNLIKE_FACTOR
    return Forecast(median(seconds), low / factor, high * factor, len(seconds), alike)
