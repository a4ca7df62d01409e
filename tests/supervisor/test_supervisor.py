"""How a supervisor copes with a database that is away, hangs or refuses, and with a worker that must stop."""

from __future__ import annotations

import sys
import threading
import time
from datetime import timedelta

import pytest
from django.db import DataError, OperationalError, connection
from django.utils import timezone

from submissions.models import Attempt, Duty, Exit, Score, State, Submission, Worker
from submissions.queue import leases
from tests.cast import claim_one, reload, result_of
from tests.scripted_trainer import STARTED, ScriptedTrainer, supervise
from workers.processes.protocol import DoneEvent
from workers.service import tasks
from workers.supervisor import database_timeout, lease_keeper, registration, result_spool, supervisor
from workers.supervisor.lease_keeper import Fenced
from workers.supervisor.run_monitor import RunMonitor
from workers.supervisor.supervisor import Supervisor

DONE: DoneEvent = {"event": "done", "result": result_of(350)}


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.QUEST_HOME = tmp_path


@pytest.fixture
def monitor(submission, worker, monkeypatch) -> RunMonitor:
    """A run whose training has begun, with its next check due. Its connection stays open: it is the test's own."""
    monkeypatch.setattr(lease_keeper.connections, "close_all", lambda: None)
    monitor = RunMonitor(claim_one(worker), ScriptedTrainer(), threads=1)
    monitor.handle_event(STARTED)
    monitor.next_check.due_at = monitor.lease.renewal.due_at = 0
    return monitor


def away(*_: object, **__: object) -> None:
    raise OperationalError("server closed the connection unexpectedly")


def test_a_run_keeps_its_worker_alive_while_the_main_process_cannot(monitor):
    long_ago = timezone.now() - timedelta(seconds=registration.OVERDUE_SECONDS + 1)
    Worker.objects.update(last_seen_at=long_ago)

    assert not monitor.check()
    assert Worker.objects.get().last_seen_at > long_ago


def test_a_run_leaves_the_heartbeat_to_the_main_process_that_writes_it(monitor, worker):
    lately = timezone.now() - timedelta(seconds=registration.HEARTBEAT_SECONDS)
    Worker.objects.update(last_seen_at=lately)

    assert not monitor.check()
    assert Worker.objects.get().last_seen_at == lately


def test_a_check_asks_the_database_once(monitor, django_assert_num_queries):
    monitor.check()  # renews the lease
    monitor.next_check.due_at = 0

    with django_assert_num_queries(1):
        assert not monitor.check()


def test_a_database_that_is_away_for_longer_than_a_lease_costs_nothing(monitor, monkeypatch, settings):
    settings.LEASE_SECONDS = 0
    with monkeypatch.context() as outage:
        outage.setattr(leases, "renew", away)
        for _ in range(3):
            assert not monitor.check()
            monitor.next_check.due_at = monitor.lease.renewal.due_at = monitor.lease.retry_at = 0
    settings.LEASE_SECONDS = 60

    assert not monitor.check()
    assert reload(Submission.objects.get()).state == State.RUNNING


def test_a_heartbeat_that_finds_no_lease_ends_the_run(monitor):
    leases.release(monitor.attempt, Exit.LOST, reason="The worker was not heard from any more.")

    with pytest.raises(Fenced):
        monitor.check()


def test_the_limits_hold_without_a_database(monitor, monkeypatch):
    killed = []
    monkeypatch.setattr(monitor.trainer, "kill", lambda: killed.append(True))
    monkeypatch.setattr(leases, "renew", away)
    monkeypatch.setattr(leases, "stop_request", away)
    monkeypatch.setattr(monitor.lease, "persist", lambda act: None)  # nothing can be written yet
    monitor.fit_began -= monitor.quest.run_seconds + 1

    assert monitor.check()
    assert killed


def test_a_database_that_did_not_answer_is_left_alone_for_a_while(monitor, monkeypatch):
    asked = []
    monkeypatch.setattr(leases, "stop_request", lambda attempt: asked.append(attempt))
    monkeypatch.setattr(leases, "renew", away)

    assert not monitor.check()
    assert asked == []


def test_no_query_waits_for_ever():
    began = time.monotonic()

    with pytest.raises(OperationalError), database_timeout.limited(0.1):
        threading.Event().wait(60)

    assert time.monotonic() - began < 30


def test_a_query_that_is_answered_in_time_is_not_interrupted():
    with database_timeout.limited(0.2):
        pass
    time.sleep(0.4)


def test_a_result_that_comes_while_the_database_is_away_is_written_when_it_is_back(monitor, monkeypatch):
    outages, finish = [1, 2], leases.record_score
    monkeypatch.setattr(lease_keeper, "RETRY_SECONDS", 0)
    monkeypatch.setattr(leases, "record_score", lambda *given: away() if outages and outages.pop() else finish(*given))
    monitor.lease.renewal.due_at = 0

    monitor.handle_event(DONE)

    assert Score.objects.get().correct == 350
    assert not list(result_spool.folder().glob("*"))


def test_a_result_that_the_database_refuses_costs_its_group_nothing(monitor, monkeypatch):
    def refuse(*_: object) -> None:
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")

    monkeypatch.setattr(leases, "record_score", refuse)

    monitor.handle_event(DONE)

    submission = Submission.objects.get()
    assert (submission.state, submission.refunded) == (State.FAILED, True)
    assert "could not be saved (DataError)" in submission.reason
    assert "NUL (0x00)" in Attempt.objects.get().traceback
    assert not list(result_spool.folder().glob("*"))


def test_a_worker_that_cannot_start_a_trainer_gives_the_run_back_and_claims_no_more(submission, worker, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/bin/python")
    with pytest.raises(FileNotFoundError):
        Supervisor(device="cpu", threads=1, cores=1).see_through(claim_one(worker))

    assert Attempt.objects.get().exit == Exit.LOST
    assert reload(submission).state == State.QUEUED
    assert Worker.objects.get().duty == Duty.PAUSED


@pytest.fixture
def told_to_stop(monkeypatch):
    """Wraps a function so that the worker is told to stop right after it."""

    def told_to_stop(owner: object, name: str) -> None:
        was = getattr(owner, name)

        def stop(*given: object, **more: object) -> None:
            was(*given, **more)
            raise SystemExit

        monkeypatch.setattr(owner, name, stop)

    return told_to_stop


def test_a_worker_that_is_told_to_stop_as_it_claims_gives_the_run_back_uncounted(submission, worker, told_to_stop):
    told_to_stop(tasks, "claim")

    with pytest.raises(SystemExit):
        tasks.work_one(device="cpu")

    attempt = Attempt.objects.get()
    assert (attempt.exit, attempt.counted) == (Exit.DRAINED, False)
    assert reload(submission).state == State.QUEUED


def test_a_worker_that_is_told_to_stop_before_the_run_begins_gives_it_back(
    submission, worker, told_to_stop, monkeypatch
):
    monkeypatch.setattr(tasks, "own_supervisor", Supervisor(device="cpu", threads=1, cores=1))
    told_to_stop(supervisor.structlog.contextvars, "bind_contextvars")

    with pytest.raises(SystemExit):
        tasks.work_one(device="cpu")

    assert Attempt.objects.get().exit == Exit.DRAINED


def test_a_worker_that_is_told_to_stop_with_a_spooled_result_scores_it(submission, worker):
    attempt = claim_one(worker)
    result_spool.keep(attempt, result_of(350))

    supervisor.hand_over(attempt.lease)

    assert Score.objects.get().correct == 350
    assert not list(result_spool.folder().glob("*"))


def test_a_run_that_was_followed_to_its_end_leaves_no_file(submission, worker):
    assert supervise(worker, STARTED, DONE).exit == Exit.SCORED
    assert not list(result_spool.folder().glob("*"))


def test_the_time_limit_interrupts_a_query(db):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite answers from this process; nothing there hangs but a lock, which has its own time.")
    with pytest.raises(OperationalError), database_timeout.limited(0.2), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")
    connection.close()
