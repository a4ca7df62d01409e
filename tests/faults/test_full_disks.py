"""The disk of the database or of the spool is full: the worker lives, and nothing is half-written."""

import time
from pathlib import Path

import pytest
from django.db import connection

from submissions.models import Exit, Score
from tests.faults.site import LEASE_SECONDS, Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]
FULL = "database full (`PRAGMA max_page_count`), disk full for the spool"


@pytest.mark.fault(FULL)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_run_survives_a_database_that_is_full_for_a_while(site: Site, measured, scored_once):
    site.start_broker()
    workers = [site.start_worker(queue, app="tests.faults.full_database") for queue in ("upkeep", "cpu")]
    for worker in workers:
        site.wait_until_ready(worker)
    site.start_beat()
    site.wait(site.submit())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # no page in the file is free for the second score
    submission = site.wait_until_running(site.submit("sleep", seconds=3))

    (site.home / "full").touch()
    until(lambda: "is full" in workers[1].output, seconds=30, what="a full database")
    time.sleep(LEASE_SECONDS + 4)  # the lease runs out
    assert not Score.objects.filter(submission=submission).exists()
    (site.home / "full").unlink()
    began = time.monotonic()
    site.wait(submission)
    measured("scored after space was free again", time.monotonic() - began, at_most=40)

    scored_once(submission)
    assert all(worker.process.poll() is None for worker in workers)
    next_one = site.submit()
    site.wait(next_one)
    assert site.scored_once(next_one)


@pytest.mark.fault(FULL)
def test_a_run_is_scored_although_the_spools_disk_is_full(site: Site, scored_once):
    (worker,) = site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=3))
    spool = site.home / "spool"
    spool.mkdir(exist_ok=True)
    unfinished = spool / f"{submission.attempts.get().lease}.part"
    unfinished.symlink_to(Path("/dev/full"))
    site.wait(submission)

    assert "result not spooled" in worker.output
    assert "No space left on device" in worker.output
    assert site.exits(submission) == [Exit.SCORED]
    scored_once(submission)
    until(lambda: not list(spool.iterdir()), seconds=5, what="an empty spool")
    next_one = site.submit()
    site.wait(next_one)
    assert site.scored_once(next_one)
