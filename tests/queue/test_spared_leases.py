"""After an outage, or while nobody looked after the queue, the holder of a lease that ran out may renew it first."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from submissions.models import State, Submission, Worker
from submissions.queue import leases
from tests.cast import claim_one, reload
from workers.service import reaper


@pytest.fixture
def overdue(submission, worker):
    attempt = claim_one(worker)
    Submission.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    return attempt


@pytest.fixture
def reap(worker):
    """A round of the reaper, so long after the one before; the broker is away, which is asked last."""

    def reap(seconds: float) -> None:
        reaped_at = timezone.now() - timedelta(seconds=seconds)
        Worker.objects.create(
            name="upkeep@here", host="here", pid=2, device="upkeep", reaped_at=reaped_at, hardware=worker.hardware
        )
        with pytest.raises(redis.ConnectionError):
            reaper.reap()

    return reap


def test_a_reaper_without_gaps_releases_an_expired_lease(overdue, reap):
    reap(20)

    assert reload(overdue.submission).state == State.QUEUED


def test_after_a_gap_as_long_as_a_lease_the_reaper_lets_its_holder_renew_it(overdue, reap, settings):
    reap(settings.LEASE_SECONDS)

    assert reload(overdue.submission).state == State.RUNNING
    lease_until = reload(overdue.submission).lease_until
    assert lease_until
    left = lease_until - timezone.now()
    assert timedelta(seconds=settings.HEARTBEAT_SECONDS) < left < timedelta(seconds=settings.LEASE_SECONDS)
    assert leases.renew(overdue)


def test_leases_shorter_than_the_reapers_interval_still_expire(overdue, reap, settings):
    settings.REAP_SECONDS = 2 * settings.LEASE_SECONDS

    reap(settings.REAP_SECONDS + 1)

    assert reload(overdue.submission).state == State.QUEUED
