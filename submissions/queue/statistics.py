"""What waits and what runs: in the database, in the broker, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import redis
from django.conf import settings
from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import Now

from submissions.models import Attempt, Device, State, Submission, Worker
from submissions.models.submission import SubmissionQuerySet

NAMES = (Device.CPU.value, Device.GPU.value)
PATIENCE_S = 2


@dataclass(frozen=True, slots=True)
class BrokerQueue:
    """One queue: what is bound to it, and what waits in it with that for `auto`, whose wake-ups go to both queues."""

    name: str
    bound: int
    waiting: int
    wakeups: int | None
    slots: int
    busy: int

    @property
    def difference(self) -> int | None:
        """Submissions that no wake-up in the broker stands for; None while the broker cannot be asked."""
        return None if self.wakeups is None else self.waiting - self.wakeups

    @property
    def free(self) -> int:
        return max(0, self.slots - self.busy)


@contextmanager
def broker() -> Iterator[redis.Redis]:
    """The broker itself, for a look at it; RedisError if it does not answer within two seconds."""
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S
    ) as connection:
        yield connection


def wakeups() -> dict[str, int] | None:
    """The messages that wait in the broker for each queue; None if it cannot be reached."""
    try:
        with broker() as connection:
            return {name: int(connection.llen(name)) for name in NAMES}
    except redis.RedisError:
        return None


def queues(messages: dict[str, int] | None) -> list[BrokerQueue]:
    """Both queues as they stand now, given what `wakeups` says."""
    waiting = dict(
        Submission.objects.filter(state=State.QUEUED).values_list("device").annotate(n=Count("pk")).order_by()
    )
    serving = Worker.objects.serving()
    slots = dict(serving.values_list("device").annotate(n=Sum("slots")).order_by())
    going = Attempt.objects.filter(ended_at=None, worker__in=serving)
    busy = dict(going.values_list("worker__device").annotate(n=Count("pk")).order_by())
    return [
        BrokerQueue(
            name=name,
            bound=waiting.get(name, 0),
            waiting=waiting.get(name, 0) + waiting.get(Device.AUTO, 0),
            wakeups=None if messages is None else messages[name],
            slots=slots.get(name) or 0,
            busy=busy.get(name, 0),
        )
        for name in NAMES
    ]


def unserved(rows: list[BrokerQueue]) -> list[str]:
    """The queues in which something waits that no live worker will take."""
    nobody = not any(row.slots for row in rows)
    return [row.name for row in rows if not row.slots and (row.bound or (nobody and row.waiting))]


def expired_leases() -> SubmissionQuerySet:
    """Runs whose worker is not heard of any more, by the database's clock; the reaper gives them back."""
    return Submission.objects.filter(state=State.RUNNING, lease_until__lt=Now())


def tried_again() -> list[tuple[int, int]]:
    """What waits or runs after an attempt that did not finish: ids, and how many attempts ended so far."""
    ended = Count("attempts", filter=Q(attempts__ended_at__isnull=False))
    live = Submission.objects.live().annotate(tries=ended)
    return list(live.filter(tries__gt=0).order_by("pk").values_list("pk", "tries"))


def oldest_waits() -> list[tuple[int | None, datetime]]:
    """For each group (None: the instructors) that waits, since when its oldest submission does; longest first."""
    queued = Submission.objects.filter(state=State.QUEUED).values_list("group").order_by()
    return sorted(queued.annotate(since=Min("submitted_at")), key=lambda row: row[1])


def last_reap() -> datetime | None:
    """When an upkeep worker last looked after the queue."""
    return Worker.objects.aggregate(last=Max("reaped_at"))["last"]
