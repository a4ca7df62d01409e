"""What the queue will do: when a submission should start, and which of those for `auto` a CPU may take.

A submission for `auto` is a GPU's while one is alive – unless its wait for that GPU is predicted to be longer than its
run on a CPU. Where that cannot be told, it waits for the GPU.
"""

from __future__ import annotations

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
from submissions.queue.run_times import KEPT_SECONDS, Forecast, Forecaster, Job, spec_text
from submissions.queue.simulation import MOST, RunningJob, Start, Waiting, simulate

LATELY = timedelta(hours=1)
CPU, GPU, AUTO = Device.CPU.value, Device.GPU.value, Device.AUTO.value
OVERDUE = 0.1  # a run that has taken longer than it should takes this part of its time so far once more

_JOB = ("family", "quest__dataset", "engine", "quest__run_seconds")


@dataclass(frozen=True, slots=True)
class Queued:
    """A submission in the queue, as the claims see it."""

    pk: int
    team: int
    limit: int
    since: float
    device: str
    job: Job


class QueueSnapshot:
    """The queue at one moment, read once."""

    def __init__(self, devices: Iterable[str] = (CPU, GPU, AUTO)) -> None:
        self.at = clock.now()
        self.forecaster = Forecaster()
        self.queued = _queued(devices)
        workers = Worker.objects.serving().filter(device__in=(CPU, GPU)).values_list("pk", "device", "slots")
        self.workers = {pk: (device, slots) for pk, device, slots in workers}

    @cached_property
    def devices(self) -> set[str]:
        """Those that a worker serves."""
        return {device for device, _slots in self.workers.values()}

    @cached_property
    def going(self) -> list[RunningJob]:
        running = Attempt.objects.filter(ended_at=None, submission__state=State.RUNNING)
        job = [f"submission__{name}" for name in _JOB]
        rows = running.annotate(text=spec_text("submission__spec"))
        return [
            RunningJob(
                team=team or 0,
                device=device,
                left=self._left(_job(text, *about), device, started),
                holds_slot=worker in self.workers,
            )
            for worker, team, device, started, text, *about in rows.values_list(
                "worker", "submission__group", "device", "started_at", "text", *job
            )
        ]

    def _left(self, job: Job, device: str, started: datetime) -> float | None:
        seconds, so_far = self.seconds(job, device), max(0.0, (self.at - started).total_seconds())
        return None if seconds is None else max(seconds - so_far, so_far * OVERDUE)

    def seconds(self, job: Job, device: str) -> float | None:
        forecast = self.forecaster.run(job, device)
        return forecast.seconds if forecast else None

    @cached_property
    def free(self) -> dict[str, int]:
        slots = dict.fromkeys((CPU, GPU), 0)
        for device, count in self.workers.values():
            slots[device] += count
        for run in self.going:
            slots[run.device] -= run.holds_slot
        return {device: max(0, count) for device, count in slots.items() if device in self.devices}

    @cached_property
    def used(self) -> dict[tuple[int, str], float]:
        return used_lately(self.at)

    def starts(self, takers: dict[int, tuple[str, ...]]) -> dict[int, Start]:
        """When each of the submissions in `takers` would start, given the devices that may take it."""
        waiting = [
            Waiting(
                pk=one.pk,
                team=one.team,
                limit=one.limit,
                since=one.since,
                runs={device: self.seconds(one.job, device) for device in takers[one.pk]},
            )
            for one in self.queued
            if one.pk in takers
        ]
        return simulate(waiting, self.going, free=self.free, used=self.used)

    @cached_property
    def spilled(self) -> set[int]:
        """Those for `auto` whose run on a CPU would be over before a GPU could begin."""
        if GPU not in self.devices:
            return set()
        starts = self.starts({one.pk: (GPU,) for one in self.queued if one.device != CPU})
        latest = max((start.after for start in starts.values()), default=0.0)
        unplayed = latest if len(starts) >= MOST else None
        spilled = set()
        for one in self.queued:
            if one.device == AUTO:
                wait = starts[one.pk].after if one.pk in starts else unplayed
                run = self.seconds(one.job, CPU)
                if wait is not None and run is not None and wait > run:
                    spilled.add(one.pk)
        return spilled

    def takers(self) -> dict[int, tuple[str, ...]]:
        """The devices that may take each of the queued submissions now."""
        of_auto = (GPU,) if GPU in self.devices else (CPU,)
        return {
            one.pk: (CPU, GPU) if one.pk in self.spilled else of_auto if one.device == AUTO else (one.device,)
            for one in self.queued
        }


def used_lately(at: datetime) -> dict[tuple[int, str], float]:
    """Seconds that each group used of each device in the last hour before `at`."""
    lately = Attempt.objects.filter(ended_at__gt=at - LATELY).order_by()
    rows = lately.values_list("submission__group", "device").annotate(used=Sum("total_s"))
    return {(team or 0, device): used or 0.0 for team, device, used in rows}


def _queued(devices: Iterable[str]) -> list[Queued]:
    """The queue's head: of each group first the oldest, then of each the second, as many as are played."""
    turn = Window(RowNumber(), partition_by=F("group"), order_by=[F("submitted_at"), F("id")])
    waiting = Submission.objects.filter(state=State.QUEUED, device__in=devices).annotate(turn=turn, text=spec_text())
    rows: Any = waiting.order_by("turn", "submitted_at", "id").values_list(
        "id", "group", "quest__group_limit", "submitted_at", "device", "text", *_JOB
    )
    return [
        Queued(pk, team or 0, limit, since.timestamp(), device, _job(text, *about))
        for pk, team, limit, since, device, text, *about in rows[:MOST]
    ]


def _job(text: str, family: str, dataset: str, engine: str, run_seconds: int) -> Job:
    return Job(family=family, spec=text, dataset=dataset, engine=engine, run_seconds=run_seconds)


def cpu_eligible() -> set[int]:
    """The queued submissions for `auto` that a CPU worker may take although a GPU worker is alive."""
    return QueueSnapshot((GPU, AUTO)).spilled


@dataclass(frozen=True, slots=True)
class Outlook:
    """The queue played forward at a moment: when what waits should start, and how long it should run.

    `at` is by this process' own clock, as is every later look at what it remembers.
    """

    at: datetime
    queued: frozenset[int]
    starts: dict[int, Start]
    runs: dict[int, Forecast | None]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of a submission: the seconds until it starts, and how long it runs; None where that cannot be told."""

    wait_s: float | None = None
    run: Forecast | None = None

    @property
    def run_s(self) -> float | None:
        return self.run.seconds if self.run else None


NOTHING = Prediction()


def prediction(submission: Submission) -> Prediction:
    """What can be told of a submission that waits or runs."""
    if submission.state == State.QUEUED:
        return _of_queued(submission)
    return _of_running(submission) if submission.state == State.RUNNING else NOTHING


def _of_queued(submission: Submission) -> Prediction:
    outlook: Outlook | None = cache.get("outlook")
    if outlook is None or (submission.pk not in outlook.queued and len(outlook.queued) < MOST):
        outlook = forecast_queue()
        cache.set("outlook", outlook, KEPT_SECONDS)
    start = outlook.starts.get(submission.pk)
    passed = (timezone.now() - outlook.at).total_seconds()
    return Prediction(max(0.0, start.after - passed) if start else None, outlook.runs.get(submission.pk))


def _of_running(submission: Submission) -> Prediction:
    rows: Any = Submission.objects.filter(pk=submission.pk).annotate(text=spec_text()).values_list("text", *_JOB)
    attempt = submission.attempts.order_by("-number").first()
    return Prediction(run=Forecaster().run(_job(*rows.get()), attempt.device) if attempt else None)


def forecast_queue() -> Outlook:
    """The whole queue, played forward now."""
    queue = QueueSnapshot()
    takers = queue.takers()
    starts = queue.starts(takers)
    runs = {
        one.pk: queue.forecaster.run(one.job, starts[one.pk].device if one.pk in starts else takers[one.pk][0])
        for one in queue.queued
    }
    return Outlook(at=timezone.now(), queued=frozenset(takers), starts=starts, runs=runs)
