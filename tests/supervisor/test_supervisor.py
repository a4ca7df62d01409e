"""What a supervisor does about a database that is away, hangs or refuses, and when its worker is told to leave."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from django.db import DataError, OperationalError, connection

from submissions.models import Attempt, Duty, Exit, Score, State, Submission, Worker
from submissions.queue import leases
from tests.cast import claim_one, reload, result_of
from tests.scripted import STARTED, Scripted, follow
from workers.service import tasks
from workers.supervisor import database_timeout, lease_keeper, result_spool, supervisor
from workers.supervisor.lease_keeper import Fenced
from workers.supervisor.supervisor import Supervisor, Watch

DONE = {"event": "done", "result": result_of(350)}


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.QUEST_HOME = tmp_path


@pytest.fixture
def watch(submission, worker, monkeypatch) -> Watch:
    """A run whose training has begun and whose next look is due; the connection stays: it is the test's transaction."""
    monkeypatch.setattr(lease_keeper.connections, "close_all", lambda: None)
    watch = Watch(claim_one(worker), Scripted(), threads=1)
    watch.handle_message(STARTED)
    watch.look.next = watch.hold.heart.next = 0
    return watch


def away(*_: object, **__: object) -> None:
    raise OperationalError("server closed the connection unexpectedly")


def test_a_heart_that_beats_lets_its_worker_be_heard_too(watch, worker):
    Worker.objects.update(last_seen_at=worker.started_at)

    assert not watch.check()
    assert Worker.objects.get().last_seen_at > worker.started_at


def test_a_database_that_is_away_for_longer_than_a_lease_costs_nothing(watch, monkeypatch, settings):
    settings.LEASE_SECONDS = 0
    with monkeypatch.context() as outage:
        outage.setattr(leases, "renew", away)
        for _ in range(3):
            assert not watch.check()
            watch.look.next = watch.hold.heart.next = watch.hold.ask_again = 0
    settings.LEASE_SECONDS = 60

    assert not watch.check()
    assert reload(Submission.objects.get()).state == State.RUNNING


def test_a_heartbeat_that_finds_no_lease_ends_the_run(watch):
    leases.release(watch.attempt, Exit.LOST, reason="The worker was not heard from any more.")

    with pytest.raises(Fenced):
        watch.check()


def test_the_limits_hold_without_a_database(watch, monkeypatch):
    killed = []
    monkeypatch.setattr(watch.trainer, "kill", lambda: killed.append(True))
    monkeypatch.setattr(leases, "renew", away)
    monkeypatch.setattr(leases, "cancel_asked", away)
    monkeypatch.setattr(watch.hold, "persist", lambda act: None)  # nothing can be written yet
    watch.fit_began -= watch.quest.run_seconds + 1

    assert watch.check()
    assert killed


def test_a_database_that_did_not_answer_is_left_alone_for_a_while(watch, monkeypatch):
    asked = []
    monkeypatch.setattr(leases, "cancel_asked", lambda attempt: asked.append(attempt))
    monkeypatch.setattr(leases, "renew", away)

    assert not watch.check()
    assert asked == []


def test_no_question_waits_for_ever():
    began = time.monotonic()

    with pytest.raises(OperationalError), database_timeout.at_most(0.1):
        threading.Event().wait(60)

    assert time.monotonic() - began < 30


def test_what_is_answered_in_time_is_not_disturbed():
    with database_timeout.at_most(0.2):
        pass
    time.sleep(0.4)


def test_a_result_that_comes_while_the_database_is_away_is_written_when_it_is_back(watch, monkeypatch):
    outages, finish = [1, 2], leases.record_score
    monkeypatch.setattr(lease_keeper, "RETRY_SECONDS", 0)
    monkeypatch.setattr(leases, "record_score", lambda *given: away() if outages and outages.pop() else finish(*given))
    watch.hold.heart.next = 0

    watch.handle_message(DONE)

    assert Score.objects.get().correct == 350
    assert not list(result_spool._home().glob("*"))


def test_a_result_that_the_database_refuses_is_no_fault_of_the_groups(watch, monkeypatch):
    def refuse(*_: object) -> None:
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")

    monkeypatch.setattr(leases, "record_score", refuse)

    watch.handle_message(DONE)

    submission = Submission.objects.get()
    assert (submission.state, submission.refunded) == (State.FAILED, True)
    assert "could not be written down (DataError)" in submission.reason
    assert "NUL (0x00)" in Attempt.objects.get().traceback
    assert not list(result_spool._home().glob("*"))


def test_a_worker_that_can_start_no_trainer_gives_the_run_back_and_takes_no_more(submission, worker, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/bin/python")
    with pytest.raises(FileNotFoundError):
        Supervisor(device="cpu", threads=1, cores=1).see_through(claim_one(worker))

    assert Attempt.objects.get().exit == Exit.LOST
    assert reload(submission).state == State.QUEUED
    assert Worker.objects.get().duty == Duty.PAUSED


@pytest.fixture
def told_to_leave(monkeypatch):
    """Replaces a function by one that does the same, and after that the worker is told to leave."""

    def told_to_leave(owner: object, name: str) -> None:
        was = getattr(owner, name)

        def leave(*given: object, **more: object) -> None:
            was(*given, **more)
            raise SystemExit

        monkeypatch.setattr(owner, name, leave)

    return told_to_leave


def test_a_worker_that_is_told_to_leave_as_it_claims_gives_the_run_back_uncounted(submission, worker, told_to_leave):
    told_to_leave(tasks, "claim")

    with pytest.raises(SystemExit):
        tasks.work_one(device="cpu")

    attempt = Attempt.objects.get()
    assert (attempt.exit, attempt.counted) == (Exit.DRAINED, False)
    assert reload(submission).state == State.QUEUED


def test_a_worker_that_is_told_to_leave_before_the_run_begins_gives_it_back(
    submission, worker, told_to_leave, monkeypatch
):
    monkeypatch.setattr(tasks, "_supervisor", Supervisor(device="cpu", threads=1, cores=1))
    told_to_leave(supervisor.structlog.contextvars, "bind_contextvars")

    with pytest.raises(SystemExit):
        tasks.work_one(device="cpu")

    assert Attempt.objects.get().exit == Exit.DRAINED


def test_a_worker_that_is_told_to_leave_with_a_result_in_hand_writes_it(submission, worker):
    attempt = claim_one(worker)
    result_spool.keep(attempt, result_of(350))

    supervisor.let_go(attempt.lease)

    assert Score.objects.get().correct == 350
    assert not list(result_spool._home().glob("*"))


def test_a_run_that_is_followed_to_its_end_leaves_no_trace_on_disk(submission, worker):
    assert follow(worker, STARTED, DONE).exit == Exit.SCORED
    assert not list(result_spool._home().glob("*"))


def test_an_alarm_rings_through_a_query(db):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite answers from this process; nothing there hangs but a lock, which has its own time.")
    with pytest.raises(OperationalError), database_timeout.at_most(0.2), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")
    connection.close()
