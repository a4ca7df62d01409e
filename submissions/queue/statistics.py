"""Counts for the status page: submissions waiting and running, wake-ups in the broker, and waiting times."""

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

QUEUE_NAMES = (Device.CPU.value, Device.GPU.value)
BROKER_TIMEOUT_S = 2


@dataclass(frozen=True, slots=True)
class BrokerQueue:
    """A device's queue. `bound` submissions are for this device alone; `waiting` includes those for `auto`.

    Wake-ups for `auto` go to both queues.
    """

    name: str
    bound: int
    waiting: int
    wakeups: int | None
    slots: int
    busy: int

    @property
    def difference(self) -> int | None:
        """Waiting submissions without a wake-up in the broker; None while the broker cannot be reached."""
        return None if self.wakeups is None else self.waiting - self.wakeups

    @property
    def free(self) -> int:
        return max(0, self.slots - self.busy)


@contextmanager
def broker() -> Iterator[redis.Redis]:
    """A connection to the broker. Its calls raise RedisError if there is no answer within two seconds."""
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=BROKER_TIMEOUT_S, socket_connect_timeout=BROKER_TIMEOUT_S
    ) as connection:
        yield connection


def wakeups() -> dict[str, int] | None:
    """The number of messages in the broker for each queue; None if it cannot be reached."""
    try:
        with broker() as connection:
            return {name: int(connection.llen(name)) for name in QUEUE_NAMES}
    except redis.RedisError:
        return None


def queues(messages: dict[str, int] | None) -> list[BrokerQueue]:
    """Both queues as they are now; `messages` is the result of `wakeups`."""
    waiting = dict(
        Submission.objects.filter(state=State.QUEUED).values_list("device").annotate(n=Count("pk")).order_by()
    )
    serving = Worker.objects.serving()
    slots = dict(serving.values_list("device").annotate(n=Sum("slots")).order_by())
    running = Attempt.objects.filter(ended_at=None, worker__in=serving)
    busy = dict(running.values_list("worker__device").annotate(n=Count("pk")).order_by())
    return [
        BrokerQueue(
            name=name,
            bound=waiting.get(name, 0),
            waiting=waiting.get(name, 0) + waiting.get(Device.AUTO, 0),
            wakeups=None if messages is None else messages[name],
            slots=slots.get(name) or 0,
            busy=busy.get(name, 0),
        )
        for name in QUEUE_NAMES
    ]


def unserved(rows: list[BrokerQueue]) -> list[str]:
    """Names of the queues with waiting submissions that no serving worker will take."""
    no_slots = not any(row.slots for row in rows)
    return [row.name for row in rows if not row.slots and (row.bound or (no_slots and row.waiting))]


def expired_leases() -> SubmissionQuerySet:
    """Running submissions with an expired lease, by the database's clock; the reaper releases them."""
    return Submission.objects.filter(state=State.RUNNING, lease_until__lt=Now())


def tried_again() -> list[tuple[int, int]]:
    """(id, number of ended attempts) of the live submissions that already had an unfinished attempt."""
    ended = Count("attempts", filter=Q(attempts__ended_at__isnull=False))
    live = Submission.objects.live().annotate(tries=ended)
    return list(live.filter(tries__gt=0).order_by("pk").values_list("pk", "tries"))


def oldest_waits() -> list[tuple[int | None, datetime]]:
    """(group, submission time of its oldest queued submission), oldest first; group None stands for the instructors."""
    queued = Submission.objects.filter(state=State.QUEUED).values_list("group").order_by()
    return sorted(queued.annotate(since=Min("submitted_at")), key=lambda row: row[1])


def last_reap() -> datetime | None:
    """When an upkeep worker last checked the queue for expired leases."""
    return Worker.objects.aggregate(last=Max("reaped_at"))["last"]
