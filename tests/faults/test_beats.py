"""With two beats nothing runs twice; after a time without beat, lost runs are found again."""

import time
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db.models import F

from submissions.models import Attempt, Exit, Submission, Worker
from tests.faults.site import REAP_SECONDS, Site, end_time_of
from tests.stack import until

DEAD = timedelta(minutes=5)

pytestmark = [pytest.mark.fault, pytest.mark.trains]


@pytest.mark.fault("two beats at once")
def test_two_beats_start_no_run_twice(site: Site, measured, scored_once):
    (worker,) = site.start(slots=2)
    site.start_beat()
    runs = [site.submit("sleep", seconds=2, group=number % 4) for number in range(8)]
    lost = site.wait_until_running(site.submit("sleep", seconds=2, group=9))
    worker.pool()[0].kill()
    worker.pool()[-1].kill()
    for submission in [*runs, lost]:
        site.wait(submission, seconds=90)
    scored_once(*runs, lost)
    assert all(set(site.exits(submission)) <= {Exit.LOST, Exit.SCORED} for submission in runs)
    overlaps = sum(overlapping_attempts(submission) for submission in [*runs, lost])
    measured("attempts that began before the previous one ended", overlaps, exactly=0)


def overlapping_attempts(submission: Submission) -> int:
    attempts = list(submission.attempts.order_by("number"))
    return sum(after.started_at < end_time_of(before) for before, after in pairwise(attempts))


@pytest.mark.fault("beat dead for 5 minutes")
def test_a_run_lost_while_beat_was_dead_restarts_when_beat_returns(site: Site, measured, scored_once):
    """While beat is dead, the test moves all times in the database back by five minutes.

    The new beat then finds a lease that expired five minutes ago and a last upkeep round just as old.
    """
    (worker,) = site.start()
    beat = site.processes[-1]
    submission = site.wait_until_running(site.submit("sleep", seconds=2))
    beat.kill()
    worker.pool()[0].kill()
    until(lambda: site.queued_wake_ups("upkeep") == 0, seconds=60, what="the end of beat's last messages")
    time.sleep(REAP_SECONDS)
    five_minutes_pass()
    time.sleep(2 * REAP_SECONDS)
    assert site.exits(submission) == [""], "without beat, nobody checks leases"

    beat = site.start_beat()
    until(lambda: "beat: Starting" in beat.output, seconds=90, what="beat's return")
    began = time.monotonic()
    site.wait_until_running(submission, attempt=2)
    measured("running again after beat's return", time.monotonic() - began, at_most=30)

    site.wait(submission)
    assert site.exits(submission) == [Exit.LOST, Exit.SCORED]
    first = submission.attempts.get(number=1)
    assert end_time_of(first) - first.started_at > DEAD
    scored_once(submission)


def five_minutes_pass() -> None:
    Submission.objects.update(submitted_at=F("submitted_at") - DEAD, lease_until=F("lease_until") - DEAD)
    Attempt.objects.update(started_at=F("started_at") - DEAD)
    Worker.objects.update(reaped_at=F("reaped_at") - DEAD)  # not its start time: by it a worker finds its row
