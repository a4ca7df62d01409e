"""The health check of a worker asks the database, not the broker: a busy worker is alive."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone


@pytest.fixture
def worker_here(worker):
    worker.host = socket.gethostname()
    worker.save()
    return worker


def test_a_worker_seen_lately_is_alive(worker_here):
    call_command("worker_alive", "cpu")


def test_a_worker_that_fell_silent_is_not(worker_here, settings):
    worker_here.last_seen_at = timezone.now() - timedelta(seconds=settings.WORKER_ALIVE_SECONDS + 1)
    worker_here.save()

    with pytest.raises(CommandError, match=r"No worker for cpu on .* in the last 30 seconds"):
        call_command("worker_alive", "cpu")


def test_a_worker_that_stopped_is_not(worker_here):
    worker_here.stopped_at = timezone.now()
    worker_here.save()

    with pytest.raises(CommandError):
        call_command("worker_alive", "cpu")


def test_a_worker_of_another_queue_or_machine_does_not_count(worker_here):
    with pytest.raises(CommandError):
        call_command("worker_alive", "gpu")
    with pytest.raises(CommandError):
        call_command("worker_alive", "cpu", host="elsewhere")
