"""Postgres is away for longer than a lease, or hangs: no attempt counts, all limits hold, no result is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest
from django.db import connection

from submissions.models import Exit, State
from tests.faults.site import Site
from tests.postgres import Cluster
from tests.stack import until
from tests.trainers import gone

pytestmark = [
    pytest.mark.fault,
    pytest.mark.trains,
    pytest.mark.parametrize("database_url", ["postgres"], indirect=True),
]
LEASE_SECONDS = 12


@contextmanager
def stopped(postgres: Cluster) -> Iterator[None]:
    connection.close()
    postgres.stop()
    try:
        yield
    finally:
        postgres.start()


@contextmanager
def hanging(postgres: Cluster) -> Iterator[None]:
    """Postgres accepts connections and queries but does not answer."""
    connection.close()
    assert postgres.process is not None
    server = psutil.Process(postgres.process.pid)
    frozen = [server, *server.children(recursive=True)]
    for process in frozen:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in frozen:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


def spooled(site: Site) -> bool:
    return bool(list((site.home / "spool").glob("*.json")))


def test_an_outage_longer_than_the_lease_costs_no_attempt(site: Site, postgres: Cluster):
    site.env["QUEST_LEASE_SECONDS"] = str(LEASE_SECONDS)
    site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=LEASE_SECONDS + 15))

    with stopped(postgres):
        time.sleep(LEASE_SECONDS + 4)
    site.wait(submission, seconds=90)

    assert site.exits(submission) == [Exit.SCORED]
    assert site.scored_once(submission)


def test_the_time_limit_holds_while_the_database_hangs(site: Site, postgres: Cluster, measured):
    site.env["QUEST_LEASE_SECONDS"] = str(LEASE_SECONDS)
    limit = 5
    site.set_quest(run_seconds=limit)
    (worker,) = site.start()
    submission = site.wait_until_running(site.submit("defy", seconds=300))
    began = time.monotonic()
    (trainer,) = worker.trainers()

    with hanging(postgres):
        assert gone(trainer.pid, within=limit + 60)
        measured("trainer ended after", time.monotonic() - began, at_most=limit + 15)
    ended = site.wait(submission, seconds=90)

    assert ended.state == State.TIMED_OUT
    assert site.exits(submission) == [Exit.TIMED_OUT]


def test_a_result_is_written_by_the_next_worker_if_its_own_was_killed_in_an_outage(site: Site, postgres: Cluster):
    site.env["QUEST_LEASE_SECONDS"] = "300"
    (worker,) = site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=5))

    with stopped(postgres):
        until(lambda: spooled(site), seconds=90, what="a spooled result")
        worker.kill()
    site.wait_until_ready(site.start_worker("cpu"))
    site.wait(submission, seconds=90)

    assert site.exits(submission) == [Exit.SCORED]
    assert site.scored_once(submission)
    assert not list((site.home / "spool").iterdir())


def test_a_result_is_written_by_its_worker_if_the_pool_child_was_killed_in_an_outage(site: Site, postgres: Cluster):
    site.env["QUEST_LEASE_SECONDS"] = "300"
    (worker,) = site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=5))

    with stopped(postgres):
        until(lambda: spooled(site), seconds=90, what="a spooled result")
        worker.pool()[0].kill()
    site.wait(submission, seconds=90)

    assert site.exits(submission) == [Exit.SCORED]
    assert site.scored_once(submission)
    until(lambda: not spooled(site), seconds=30, what="an empty spool")
