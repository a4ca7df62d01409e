"""The status page: workers, queues and waits. Everybody sees the load; names need permission."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from leaderboard.live_pages import live_page
from submissions.database import clock
from submissions.models import Attempt, Group, Submission, User, Worker
from submissions.models.submission import SubmissionQuerySet
from submissions.queue import statistics

BROKER_CACHE_S = 1  # all visitors of a web process share an answer: a broker that is down may take seconds to refuse
MISSED_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class SlotRun:
    """A busy slot; `submission` is None where the visitor may not see it."""

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
class GroupWait:
    """How long a group's oldest waiting submission has waited."""

    group: str
    seconds: int


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The service as one visitor sees it."""

    queues: list[statistics.BrokerQueue]
    workers: list[WorkerStatus]
    longest_wait: int | None
    waits: list[GroupWait]
    lost: list[int]
    retries: list[tuple[int, int]]
    reaped_at: datetime | None
    reaper_late: bool

    @property
    def broker_reachable(self) -> bool:
        return self.queues[0].wakeups is not None

    @property
    def unserved(self) -> list[str]:
        return statistics.unserved(self.queues)

    @property
    def all_well(self) -> bool:
        return self.broker_reachable and not self.unserved and not self.reaper_late and bool(self.workers)

    @property
    def version(self) -> str:
        return hashlib.blake2b(repr(self).encode(), digest_size=6).hexdigest()


@require_safe
def status_page(request: HttpRequest) -> HttpResponse:
    """Workers, queues and waits. The page polls itself."""
    status = service_status(request.user)
    return live_page(
        request,
        version=status.version,
        page="leaderboard/status.html",
        fragment="leaderboard/_status.html",
        context=lambda: {"status": status, "zone": settings.TIME_ZONE},
    )


def service_status(user: User | AnonymousUser) -> ServiceStatus:
    waits = statistics.oldest_waits()
    reaped = statistics.last_reap()
    late = timedelta(seconds=MISSED_ROUNDS * settings.REAP_SECONDS)
    return ServiceStatus(
        queues=statistics.queues(cache.get_or_set("wakeups", statistics.wakeups, BROKER_CACHE_S)),
        workers=_workers(user),
        longest_wait=_seconds_since(waits[0][1]) if waits else None,
        waits=_own_waits(waits, user),
        lost=list(statistics.expired_leases().values_list("pk", flat=True)),
        retries=statistics.tried_again(),
        reaped_at=reaped,
        reaper_late=reaped is None or clock.now() - reaped > late,
    )


def _seconds_since(at: datetime) -> int:
    return max(0, round((clock.now() - at).total_seconds()))


def _workers(user: User | AnonymousUser) -> list[WorkerStatus]:
    workers = Worker.objects.alive().select_related("hardware").order_by("device", "name", "pk")
    running = Attempt.objects.filter(ended_at=None, worker__in=workers).order_by("pk")
    visible = set(_visible_submissions(user).filter(attempts__in=running).values_list("pk", flat=True))
    runs: dict[int, list[SlotRun]] = {}
    for worker, submission, began in running.values_list("worker", "submission", "started_at"):
        run = SlotRun(submission if submission in visible else None, began)
        runs.setdefault(worker, []).append(run)
    return [WorkerStatus(worker, worker.hardware.label(worker.device), runs.get(worker.pk, [])) for worker in workers]


def _visible_submissions(user: User | AnonymousUser) -> SubmissionQuerySet:
    return Submission.objects.visible_to(user) if isinstance(user, User) else Submission.objects.none()


def _own_waits(waits: list[tuple[int | None, datetime]], user: User | AnonymousUser) -> list[GroupWait]:
    """The waits of the groups that the visitor is in; an instructor sees every group's."""
    if not isinstance(user, User):
        return []
    groups = Group.objects.all() if user.is_staff else Group.objects.filter(memberships__user=user)
    names: dict[int | None, str] = dict(groups.values_list("pk", "name"))
    if user.is_staff:
        names[None] = "instructors"
    return [GroupWait(names[group], _seconds_since(since)) for group, since in waits if group in names]
