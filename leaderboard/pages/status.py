"""How the service is: workers, queues, waits. Everybody sees how busy it is; who runs what, only who may know."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from submissions.database import clock
from submissions.models import Attempt, Group, Submission, User, Worker
from submissions.models.submission import SubmissionQuerySet
from submissions.queue import statistics

LOOK_S = 1  # visitors of one web process share a look at the broker, which may take seconds to be refused
MISSED_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class SlotRun:
    """What one slot is busy with; `submission` is None where the visitor may not know."""

    submission: int | None
    began: datetime


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A live worker. Its name, host and version are for instructors."""

    worker: Worker
    hardware: str
    runs: list[SlotRun]

    @property
    def busy(self) -> int:
        return len(self.runs)


@dataclass(frozen=True, slots=True)
class Wait:
    group: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Health:
    """All that the page shows to one visitor."""

    queues: list[statistics.BrokerQueue]
    workers: list[WorkerStatus]
    longest_wait: int | None
    waits: list[Wait]
    expired: list[int]
    again: list[tuple[int, int]]
    reaped_at: datetime | None
    reaper_late: bool

    @property
    def broker(self) -> bool:
        return self.queues[0].wakeups is not None

    @property
    def unserved(self) -> list[str]:
        return statistics.unserved(self.queues)

    @property
    def all_well(self) -> bool:
        return self.broker and not self.unserved and not self.reaper_late and bool(self.workers)

    @property
    def version(self) -> str:
        return hashlib.blake2b(repr(self).encode(), digest_size=6).hexdigest()


@require_safe
@never_cache
def status_page(request: HttpRequest) -> HttpResponse:
    """The page whole; or, polled with `?seen=`, its live part, and 204 while nothing has changed."""
    health = read_health(request.user)
    seen = request.GET.get("seen")
    if seen == health.version:
        return HttpResponse(status=204)
    template = "leaderboard/status.html" if seen is None else "leaderboard/_status.html"
    return render(request, template, {"health": health, "zone": settings.TIME_ZONE})


def read_health(user: User | AnonymousUser) -> Health:
    waits = statistics.oldest_waits()
    reaped = statistics.last_reap()
    late = timedelta(seconds=MISSED_ROUNDS * settings.REAP_SECONDS)
    return Health(
        queues=statistics.queues(cache.get_or_set("wakeups", statistics.wakeups, LOOK_S)),
        workers=_machines(user),
        longest_wait=_since(waits[0][1]) if waits else None,
        waits=_named(waits, user),
        expired=list(statistics.expired_leases().values_list("pk", flat=True)),
        again=statistics.tried_again(),
        reaped_at=reaped,
        reaper_late=reaped is None or clock.now() - reaped > late,
    )


def _since(at: datetime) -> int:
    return max(0, round((clock.now() - at).total_seconds()))


def _machines(user: User | AnonymousUser) -> list[WorkerStatus]:
    workers = Worker.objects.alive().select_related("hardware").order_by("device", "name", "pk")
    going = Attempt.objects.filter(ended_at=None, worker__in=workers).order_by("pk")
    mine = set(_own(user).filter(attempts__in=going).values_list("pk", flat=True))
    runs: dict[int, list[SlotRun]] = {}
    for worker, submission, began in going.values_list("worker", "submission", "started_at"):
        run = SlotRun(submission if submission in mine else None, began)
        runs.setdefault(worker, []).append(run)
    return [WorkerStatus(worker, worker.hardware.label(worker.device), runs.get(worker.pk, [])) for worker in workers]


def _own(user: User | AnonymousUser) -> SubmissionQuerySet:
    return Submission.objects.visible_to(user) if isinstance(user, User) else Submission.objects.none()


def _named(waits: list[tuple[int | None, datetime]], user: User | AnonymousUser) -> list[Wait]:
    """The waits of the groups that the visitor is in; an instructor sees every group's."""
    if not isinstance(user, User):
        return []
    groups = Group.objects.all() if user.is_staff else Group.objects.filter(memberships__user=user)
    names: dict[int | None, str] = dict(groups.values_list("pk", "name"))
    if user.is_staff:
        names[None] = "instructors"
    return [Wait(names[group], _since(since)) for group, since in waits if group in names]
