"""Postgres goes away and comes back, and clocks are wrong: the lease goes by the database's clock, and outlasts it."""

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
    """Longer than Postgres takes to start on a busy machine."""
    site.env["QUEST_LEASE_SECONDS"] = "30"
    return 30


@pytest.fixture
def restart(postgres: Cluster, long_lease: int, measured) -> Callable[[], None]:
    """Restart Postgres: everybody's connections are cut, and nobody is let in for some seconds."""

    def restart() -> None:
        connection.close()
        began = time.monotonic()
        postgres.restart(away_seconds=OUTAGE_SECONDS)
        measured("Postgres away for", time.monotonic() - began, at_most=long_lease)

    return restart


@pytest.fixture
def one_attempt(site: Site, measured, scored_once) -> Callable[[Submission], None]:
    """One attempt, one score."""

    def one_attempt(submission: Submission) -> None:
        measured("attempts", submission.attempts.count(), exactly=1)
        assert site.exits(submission) == [Exit.SCORED]
        scored_once(submission)

    return one_attempt


@pytest.fixture
def ahead() -> dict[str, str]:
    """What lets a process live ten minutes ahead of the others; its intervals are as long as ever."""
    library = programs.required("faketime")
    faked = {"LD_PRELOAD": str(library), "FAKETIME": f"+{AHEAD.total_seconds():.0f}"}
    spared = {"DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
    return {**faked, **spared, "PYTHONPATH": str(Path(__file__).parent / "ahead")}


def from_now(at: datetime | None) -> timedelta:
    """How far away that is, before or after."""
    assert at is not None
    return abs(at - clock.now())


@pytest.mark.fault(RESTARTS)
def test_postgres_restarted_during_training_costs_nothing(site: Site, restart, one_attempt):
    site.start()
    submission = site.running(site.submit("sleep", seconds=8))

    restart()

    one_attempt(site.wait(submission))


@pytest.mark.fault(RESTARTS)
def test_postgres_away_when_the_training_ends_costs_nothing(site: Site, postgres: Cluster, long_lease, one_attempt):
    site.start()
    submission = site.running(site.submit("sleep", seconds=3))

    connection.close()
    postgres.stop()
    until(lambda: list((site.home / "spool").glob("*.json")), seconds=20, what="a spooled result")
    postgres.start()

    one_attempt(site.wait(submission))
    until(lambda: not list((site.home / "spool").iterdir()), seconds=5, what="an empty spool")


@pytest.mark.fault(RESTARTS)
def test_postgres_restarted_in_the_middle_of_the_finish_costs_nothing(site: Site, restart, one_attempt):
    site.start()
    submission = site.running(site.submit("sleep", seconds=3))

    # The finish moves the submission and, before it commits, has to wait here to write the score.
    holder = psycopg.connect(site.database_url)
    holder.execute("LOCK TABLE submissions_score IN SHARE MODE")
    until(lambda: _somebody_waits(site.database_url), seconds=30, what="the finish")
    restart()
    holder.close()

    one_attempt(site.wait(submission))


def _somebody_waits(url: str) -> bool:
    with psycopg.connect(url) as looker:
        found = looker.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'submissions_score'::regclass"
        ).fetchone()
    return found is not None


@pytest.mark.fault(CLOCKS)
def test_a_workers_clock_that_is_ahead_changes_nothing(site: Site, ahead, one_attempt):
    site.start(workers=0)
    early = site.greeted(site.start_worker("cpu", **ahead))
    submission = site.running(site.submit("sleep", seconds=2.5 * LEASE_SECONDS))
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
def test_a_reaper_whose_clock_is_ahead_expires_no_lease_early_and_a_lost_one_in_time(
    site: Site, ahead, measured, scored_once, whose: str
):
    site.start_broker()
    site.greeted(site.start_worker("upkeep", **ahead))
    site.start_beat(**(ahead if "beat" in whose else {}))
    doomed, other = (site.greeted(site.start_worker("cpu")) for _ in range(2))
    kept, lost = (site.running(site.submit("sleep", seconds=2.5 * LEASE_SECONDS, group=group)) for group in (1, 2))
    holder = {piece.pid: piece for piece in (doomed, other)}[lost.attempts.get().worker.pid]

    holder.kill()
    began = time.monotonic()
    site.running(lost, attempt=2)
    measured(f"({whose} ahead) attempt 2 running after", time.monotonic() - began, at_most=60)
    site.wait(kept), site.wait(lost)

    assert site.exits(kept) == [Exit.SCORED]
    assert site.exits(lost) == [Exit.LOST, Exit.SCORED]
    scored_once(kept, lost)
