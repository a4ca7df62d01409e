"""What keeps the queue moving whatever was lost: expired leases, and wake-ups that never arrived."""

from __future__ import annotations

from datetime import timedelta

import redis
import structlog
from django.conf import settings
from django.db.models import Sum

from submissions.database import clock
from submissions.models import Attempt, Worker
from submissions.queue.claims import claimable
from submissions.queue.leases import expire, extend_all
from submissions.queue.statistics import last_reap
from submissions.queue.wakeups import send

logger = structlog.get_logger(__name__)
DEVICES = ("cpu", "gpu")


def reap() -> bool:
    """One round: expire leases, then give each queue the wake-ups it lacks, and take away what nothing waits for.

    False: there has just been one. Rounds that were asked for while nobody listened cost next to nothing.
    """
    if _just_done():
        return False
    if _was_away():
        logger.warning("back after a while: holders of leases may renew them first", count=extend_all())
    if expired := expire():
        logger.warning("leases expired", count=expired)
    broker = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5)
    with broker:
        for device in DEVICES:
            messages, could_begin = int(broker.llen(device)), len(claimable(device))
            top_up(device, claimable=could_begin, waiting=messages)
            if messages > could_begin:
                # From the end that is read first, and no more than were counted: what came since stays. Without a GPU
                # worker nobody reads the wake-ups that `auto` sends to its queue, and they would pile up.
                broker.ltrim(device, 0, could_begin - messages - 1)
    return True


def _just_done() -> bool:
    """Whether a round ended less than half an interval ago, by the database's clock."""
    now = clock.now()
    return Worker.objects.filter(reaped_at__range=(now - timedelta(seconds=settings.REAP_SECONDS / 2), now)).exists()


def _was_away() -> bool:
    """Whether a lease may have run out because nobody could renew it: no round was made for about as long as one lasts.

    Rounds that lie further apart than leases last tell nothing about that.
    """
    last = last_reap()
    least = max(settings.LEASE_SECONDS - settings.HEARTBEAT_SECONDS, 2 * settings.REAP_SECONDS)
    return last is not None and clock.now() - last > timedelta(seconds=least)


def top_up(device: str, *, claimable: int, waiting: int) -> int:
    """Send min(`claimable`, free slots) − `waiting` wake-ups to `device`; how many were sent."""
    missing = min(claimable, free_slots(device)) - waiting
    return sum(send(device) for _ in range(max(0, missing)))


def free_slots(device: str) -> int:
    serving = Worker.objects.serving().filter(device=device)
    slots = serving.aggregate(slots=Sum("slots"))["slots"] or 0
    return max(0, slots - Attempt.objects.filter(ended_at=None, worker__in=serving).count())
