"""Predictions: when a queued submission should start, and which submissions for `auto` a CPU worker may take.

While a GPU worker serves, a submission for `auto` waits for it, unless the predicted wait is longer than the predicted
run on a CPU. If either prediction is missing, the submission waits for the GPU.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.core.cache import cache
from django.db.models import F, Sum, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from submissions.database import clock
from submissions.models import Attempt, Device, State, Submission, Worker
from submissions.queue.run_times import CACHE_SECONDS, Forecast, Forecaster, Job, spec_text
from submissions.queue.simulation import MAX_STARTS, RunningJob, Start, WaitingJob, claim_order, simulate

LATELY = timedelta(hours=1)  # the period in which a group's device-seconds count
CPU, GPU, AUTO = Device.CPU.value, Device.GPU.value, Device.AUTO.value
OVERDUE = 0.1  # an overdue run is expected to take this further share of its time so far

_JOB = ("family", "quest__dataset", "engine", "quest__run_seconds")


@dataclass(frozen=True, slots=True)
class Queued:
    """A queued submission. `group` is 0 for the instructors; `submitted_at` is a POSIX timestamp in seconds."""

    pk: int
    group: int
    limit: int
    submitted_at: float
    device: str
    job: Job


class QueueSnapshot:
    """The queue, the workers and the runs at one moment. The database is read once."""

    def __init__(self, devices: Iterable[str] = (CPU, GPU, AUTO)) -> None:
        self.taken_at = clock.now()
        self.forecaster = Forecaster()
        self.queued = _queued(devices)
        workers = Worker.objects.serving().filter(device__in=(CPU, GPU)).values_list("pk", "device", "slots")
        self.workers = {pk: (device, slots) for pk, device, slots in workers}

    @cached_property
    def devices(self) -> set[str]:
        """The devices that a worker serves."""
        return {device for device, _slots in self.workers.values()}

    @cached_property
    def running(self) -> list[RunningJob]:
        attempts = Attempt.objects.filter(ended_at=None, submission__state=State.RUNNING)
        job = [f"submission__{name}" for name in _JOB]
        rows = attempts.annotate(text=spec_text("submission__spec"))
        return [
            RunningJob(
                group=group or 0,
                device=device,
                remaining_s=self._remaining_s(_job(text, *fields), device, started),
                holds_slot=worker in self.workers,
            )
            for worker, group, device, started, text, *fields in rows.values_list(
                "worker", "submission__group", "device", "started_at", "text", *job
            )
        ]

    def _remaining_s(self, job: Job, device: str, started: datetime) -> float | None:
        seconds, so_far = self.run_s(job, device), max(0.0, (self.taken_at - started).total_seconds())
        return None if seconds is None else max(seconds - so_far, so_far * OVERDUE)

    def run_s(self, job: Job, device: str) -> float | None:
        """The predicted seconds of `job` on `device`; None if nothing like it has run there."""
        forecast = self.forecaster.run(job, device)
        return forecast.seconds if forecast else None

    @cached_property
    def free(self) -> dict[str, int]:
        """The number of free slots of each device that a worker serves."""
        slots = dict.fromkeys((CPU, GPU), 0)
        for device, count in self.workers.values():
            slots[device] += count
        for run in self.running:
            slots[run.device] -= run.holds_slot
        return {device: max(0, count) for device, count in slots.items() if device in self.devices}

    @cached_property
    def used(self) -> dict[tuple[int, str], float]:
        return used_lately(self.taken_at)

    def starts(self, devices: dict[int, tuple[str, ...]]) -> dict[int, Start]:
        """The start of each submission in `devices`, which maps its id to the devices that may run it."""
        return simulate(self._waiting(devices), self.running, free=self.free, used=self.used)

    def order(self, devices: dict[int, tuple[str, ...]], starts: dict[int, Start]) -> list[int]:
        """Ids of `devices` in the order of `starts`. Those without a predicted start follow in fair order by device."""
        unpredicted = self._waiting({pk: offered for pk, offered in devices.items() if pk not in starts})
        running = Counter(run.group for run in self.running)
        order = dict.fromkeys(starts)
        for device in (CPU, GPU):
            jobs = [job for job in unpredicted if device in job.run_s]
            order |= dict.fromkeys(claim_order(jobs, device=device, running=running, used=self.used))
        return list(order)

    def _waiting(self, devices: dict[int, tuple[str, ...]]) -> list[WaitingJob]:
        return [
            WaitingJob(
                pk=one.pk,
                group=one.group,
                limit=one.limit,
                submitted_at=one.submitted_at,
                run_s={device: self.run_s(one.job, device) for device in devices[one.pk]},
            )
            for one in self.queued
            if one.pk in devices
        ]

    @cached_property
    def cpu_eligible(self) -> set[int]:
        """Ids of the submissions for `auto` that a CPU would finish before a GPU could start them."""
        if GPU not in self.devices:
            return set()
        starts = self.starts({one.pk: (GPU,) for one in self.queued if one.device != CPU})
        latest = max((start.after for start in starts.values()), default=0.0)
        beyond_simulation = latest if len(starts) >= MAX_STARTS else None
        eligible = set()
        for one in self.queued:
            if one.device == AUTO:
                wait = starts[one.pk].after if one.pk in starts else beyond_simulation
                run = self.run_s(one.job, CPU)
                if wait is not None and run is not None and wait > run:
                    eligible.add(one.pk)
        return eligible

    def eligible_devices(self) -> dict[int, tuple[str, ...]]:
        """Maps each queued submission's id to the devices that may run it now."""
        for_auto = (GPU,) if GPU in self.devices else (CPU,)
        return {
            one.pk: (CPU, GPU) if one.pk in self.cpu_eligible else for_auto if one.device == AUTO else (one.device,)
            for one in self.queued
        }


def used_lately(at: datetime) -> dict[tuple[int, str], float]:
    """Maps (group or 0, device) to the device-seconds that the group used in the hour before `at`."""
    lately = Attempt.objects.filter(ended_at__gt=at - LATELY).order_by()
    rows = lately.values_list("submission__group", "device").annotate(used=Sum("total_s"))
    return {(group or 0, device): used or 0.0 for group, device, used in rows}


def _queued(devices: Iterable[str]) -> list[Queued]:
    """The head of the queue, as much as is simulated: each group's oldest submission, then each group's second, …"""
    turn = Window(RowNumber(), partition_by=F("group"), order_by=[F("submitted_at"), F("id")])
    waiting = Submission.objects.filter(state=State.QUEUED, device__in=devices).annotate(turn=turn, text=spec_text())
    rows: Any = waiting.order_by("turn", "submitted_at", "id").values_list(
        "id", "group", "quest__group_limit", "submitted_at", "device", "text", *_JOB
    )
    return [
        Queued(pk, group or 0, limit, submitted_at.timestamp(), device, _job(text, *fields))
        for pk, group, limit, submitted_at, device, text, *fields in rows[:MAX_STARTS]
    ]


def _job(spec: str, family: str, dataset: str, engine: str, run_seconds: int) -> Job:
    return Job(family=family, spec=spec, dataset=dataset, engine=engine, run_seconds=run_seconds)


def cpu_eligible() -> set[int]:
    """Ids of the queued submissions for `auto` that a CPU worker may take while a GPU worker serves."""
    return QueueSnapshot((GPU, AUTO)).cpu_eligible


@dataclass(frozen=True, slots=True)
class QueueForecast:
    """The predicted start and running time of each queued submission, by id.

    `made_at` is by this process's own clock, which also measures how old the remembered forecast is.
    """

    made_at: datetime
    queued: frozenset[int]
    starts: dict[int, Start]
    runs: dict[int, Forecast | None]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The seconds until a submission starts, and its running time; None where there is no prediction."""

    wait_s: float | None = None
    run: Forecast | None = None

    @property
    def run_s(self) -> float | None:
        return self.run.seconds if self.run else None


UNKNOWN = Prediction()


def prediction(submission: Submission) -> Prediction:
    """The prediction for a queued or running submission."""
    if submission.state == State.QUEUED:
        return _predict_queued(submission)
    return _predict_running(submission) if submission.state == State.RUNNING else UNKNOWN


def _predict_queued(submission: Submission) -> Prediction:
    forecast: QueueForecast | None = cache.get("queue-forecast")
    if forecast is None or (submission.pk not in forecast.queued and len(forecast.queued) < MAX_STARTS):
        forecast = forecast_queue()
        cache.set("queue-forecast", forecast, CACHE_SECONDS)
    start = forecast.starts.get(submission.pk)
    age = (timezone.now() - forecast.made_at).total_seconds()
    return Prediction(max(0.0, start.after - age) if start else None, forecast.runs.get(submission.pk))


def _predict_running(submission: Submission) -> Prediction:
    rows: Any = Submission.objects.filter(pk=submission.pk).annotate(text=spec_text()).values_list("text", *_JOB)
    attempt = submission.attempts.order_by("-number").first()
    return Prediction(run=Forecaster().run(_job(*rows.get()), attempt.device) if attempt else None)


def forecast_queue() -> QueueForecast:
    """Simulate the whole queue as it is now."""
    queue = QueueSnapshot()
    devices = queue.eligible_devices()
    starts = queue.starts(devices)
    runs = {
        one.pk: queue.forecaster.run(one.job, starts[one.pk].device if one.pk in starts else devices[one.pk][0])
        for one in queue.queued
    }
    return QueueForecast(made_at=timezone.now(), queued=frozenset(devices), starts=starts, runs=runs)
