"""Keeps the queue moving: releases runs with expired leases, and sends wake-ups that never arrived."""

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
    """One round: expire leases, then send each queue its missing wake-ups and remove its surplus ones.

    False if there has just been a round: requests that piled up while no worker listened then cost next to nothing.
    """
    if _recently_reaped():
        return False
    if _leases_unreliable():
        logger.warning("back after a while: holders of leases may renew them first", count=extend_all())
    if expired := expire():
        logger.warning("leases expired", count=expired)
    broker = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5)
    with broker:
        for device in DEVICES:
            messages, could_begin = int(broker.llen(device)), len(claimable(device))
            top_up(device, claimable=could_begin, waiting=messages)
            if messages > could_begin:
                # Remove from the end that is read first, and no more than were counted: newer ones stay. Without a
                # GPU worker, wake-ups for `auto` would pile up in its queue.
                broker.ltrim(device, 0, could_begin - messages - 1)
    return True


def _recently_reaped() -> bool:
    """Whether a round ended less than half an interval ago, by the database's clock."""
    now = clock.now()
    return Worker.objects.filter(reaped_at__range=(now - timedelta(seconds=settings.REAP_SECONDS / 2), now)).exists()


def _leases_unreliable() -> bool:
    """Whether leases may have run out because the database was away: no round for about as long as a lease lasts.

    If rounds are further apart than that by design, a missing round proves nothing, so at least two must be missing.
    """
    last = last_reap()
    least = max(settings.LEASE_SECONDS - settings.HEARTBEAT_SECONDS, 2 * settings.REAP_SECONDS)
    return last is not None and clock.now() - last > timedelta(seconds=least)


def top_up(device: str, *, claimable: int, waiting: int) -> int:
    """Send min(`claimable`, free slots) − `waiting` wake-ups to `device`; returns how many were sent."""
    missing = min(claimable, free_slots(device)) - waiting
    return sum(send(device) for _ in range(max(0, missing)))


def free_slots(device: str) -> int:
    serving = Worker.objects.serving().filter(device=device)
    slots = serving.aggregate(slots=Sum("slots"))["slots"] or 0
    return max(0, slots - Attempt.objects.filter(ended_at=None, worker__in=serving).count())
