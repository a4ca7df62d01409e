"""The reaper's rounds: one every few seconds, however often one is requested."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from config.celery import app
from submissions.models import State, Submission, Worker
from submissions.queue import leases
from tests.cast import claim_one, reload
from workers.service import reaper, tasks
from workers.supervisor import registration


@pytest.fixture
def upkeep(worker, monkeypatch) -> Worker:
    """The upkeep worker, which this process is, with a broker that answers."""
    upkeep = Worker.objects.create(
        name="upkeep@here", host="here", pid=2, device="upkeep", version="test", hardware=worker.hardware
    )
    monkeypatch.setattr(registration, "registered_worker", upkeep)
    monkeypatch.setattr(reaper.redis.Redis, "llen", lambda *_: 0)
    monkeypatch.setattr(reaper, "send", lambda device: True)
    return upkeep


@pytest.fixture
def expired(submission, worker):
    """A submission whose lease has run out."""
    claim_one(worker)
    Submission.objects.update(lease_until=Now() - timedelta(seconds=1))
    return submission


def test_a_round_requested_twice_runs_once(upkeep, expired, monkeypatch):
    rounds = []
    monkeypatch.setattr(reaper, "expire", lambda: rounds.append(leases.expire()))

    for _ in range(3):
        tasks.reap()

    assert rounds == [1]
    assert reload(expired).state == State.QUEUED


@pytest.mark.parametrize("ago", [timedelta(seconds=10), -timedelta(minutes=10)], ids=["an interval", "in the future"])
def test_a_round_runs_half_an_interval_after_the_last_even_after_a_clock_was_wrong(upkeep, expired, ago):
    Worker.objects.filter(pk=upkeep.pk).update(reaped_at=timezone.now() - ago)

    assert reaper.reap()

    assert reload(expired).state == State.QUEUED


def test_beats_messages_do_not_expire_by_a_workers_clock():
    assert all("expires" not in entry["options"] for entry in app.conf.beat_schedule.values())
