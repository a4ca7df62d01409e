"""Postgres restarts, and clocks are wrong: leases use the database's clock and last longer than a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from submissions.database import clock
from submissions.models import Exit, Submission, Worker
from tests import programs
from tests.faults.site import LEASE_SECONDS, Site
from tests.postgres import Cluster
from tests.stack import until

pytestmark = [
    pytest.mark.fault,
    pytest.mark.trains,
    pytest.mark.parametrize("database_url", ["postgres"], indirect=True),
]
RESTARTS = "Postgres restarted, shorter than the lease, during training and during the finish"
CLOCKS = "a worker's clock 10 minutes ahead (Postgres, libfaketime)"
AHEAD = timedelta(minutes=10)
OUTAGE_SECONDS = 2.0


@pytest.fixture
def long_lease(site: Site) -> int:
    """Leases of 30 seconds, longer than Postgres takes to start on a busy machine."""
    site.env["QUEST_LEASE_SECONDS"] = "30"
    return 30


@pytest.fixture
def restart(postgres: Cluster, long_lease: int, measured) -> Callable[[], None]:
    """A function that restarts Postgres: all connections are cut, and none is accepted for some seconds."""

    def restart() -> None:
        connection.close()
        began = time.monotonic()
        postgres.restart(away_seconds=OUTAGE_SECONDS)
        measured("Postgres away for", time.monotonic() - began, at_most=long_lease)

    return restart


@pytest.fixture
def one_attempt(site: Site, measured, scored_once) -> Callable[[Submission], None]:
    """A check that the submission has one attempt and one score."""

    def one_attempt(submission: Submission) -> None:
        measured("attempts", submission.attempts.count(), exactly=1)
        assert site.exits(submission) == [Exit.SCORED]
        scored_once(submission)

    return one_attempt


@pytest.fixture
def ahead() -> dict[str, str]:
    """Environment variables that set a process's clock ten minutes ahead; its intervals keep their length."""
    library = programs.required("faketime")
    faked = {"LD_PRELOAD": str(library), "FAKETIME": f"+{AHEAD.total_seconds():.0f}"}
    kept = {"DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
    return {**faked, **kept, "PYTHONPATH": str(Path(__file__).parent / "faketime")}


def from_now(at: datetime | None) -> timedelta:
    """The distance of `at` from now, in either direction."""
    assert at is not None
    return abs(at - clock.now())


@pytest.mark.fault(RESTARTS)
def test_a_postgres_restart_during_training_costs_no_attempt(site: Site, restart, one_attempt):
    site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=8))

    restart()

    one_attempt(site.wait(submission))


@pytest.mark.fault(RESTARTS)
def test_a_postgres_outage_when_training_ends_costs_no_attempt(site: Site, postgres: Cluster, long_lease, one_attempt):
    site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=3))

    connection.close()
    postgres.stop()
    until(lambda: list((site.home / "spool").glob("*.json")), seconds=20, what="a spooled result")
    postgres.start()

    one_attempt(site.wait(submission))
    until(lambda: not list((site.home / "spool").iterdir()), seconds=5, what="an empty spool")


@pytest.mark.fault(RESTARTS)
def test_a_postgres_restart_while_the_result_is_written_costs_no_attempt(site: Site, restart, one_attempt):
    site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=3))

    # The worker's transaction moves the submission, and then waits for this lock to write the score.
    holder = psycopg.connect(site.database_url)
    holder.execute("LOCK TABLE submissions_score IN SHARE MODE")
    until(lambda: _a_writer_waits(site.database_url), seconds=30, what="the waiting writer")
    restart()
    holder.close()

    one_attempt(site.wait(submission))


def _a_writer_waits(url: str) -> bool:
    with psycopg.connect(url) as observer:
        found = observer.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'submissions_score'::regclass"
        ).fetchone()
    return found is not None


@pytest.mark.fault(CLOCKS)
def test_a_worker_with_a_fast_clock_changes_nothing(site: Site, ahead, one_attempt):
    site.start(workers=0)
    early = site.wait_until_ready(site.start_worker("cpu", **ahead))
    submission = site.wait_until_running(site.submit("sleep", seconds=2.5 * LEASE_SECONDS))
    attempt, worker = submission.attempts.get(), Worker.objects.get(pid=early.pid)

    assert from_now(submission.lease_until) < timedelta(seconds=LEASE_SECONDS + 1)
    assert from_now(worker.last_seen_at) < timedelta(minutes=1)
    assert (attempt.queue_wait_s or 0) < 60
    ended = site.wait(submission)

    one_attempt(submission)
    assert from_now(ended.finished_at) < timedelta(minutes=1)
    assert all(from_now(event.at) < timedelta(minutes=2) for event in ended.events.all())


@pytest.mark.fault(CLOCKS)
@pytest.mark.parametrize("whose", ["its own", "its own and beat's"])
def test_a_reaper_with_a_fast_clock_expires_lost_leases_in_time_and_no_other_early(
    site: Site, ahead, measured, scored_once, whose: str
):
    site.start_broker()
    site.wait_until_ready(site.start_worker("upkeep", **ahead))
    site.start_beat(**(ahead if "beat" in whose else {}))
    doomed, other = (site.wait_until_ready(site.start_worker("cpu")) for _ in range(2))
    kept, lost = (
        site.wait_until_running(site.submit("sleep", seconds=2.5 * LEASE_SECONDS, group=group)) for group in (1, 2)
    )
    holder = {process.pid: process for process in (doomed, other)}[lost.attempts.get().worker.pid]

    holder.kill()
    began = time.monotonic()
    site.wait_until_running(lost, attempt=2)
    measured(f"attempt 2 running ({whose} ahead) after", time.monotonic() - began, at_most=60)
    site.wait(kept), site.wait(lost)

    assert site.exits(kept) == [Exit.SCORED]
    assert site.exits(lost) == [Exit.LOST, Exit.SCORED]
    scored_once(kept, lost)
