"""Two beats, or none for a while: nothing runs twice, and what waited is found when one is back."""

import time
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db.models import F

from submissions.models import Attempt, Exit, Submission, Worker
from tests.faults.site import REAP_SECONDS, Site, end_of
from tests.stack import until

DEAD = timedelta(minutes=5)

pytestmark = [pytest.mark.fault, pytest.mark.trains]


@pytest.mark.fault("two beats at once")
def test_two_beats_at_once_start_no_run_twice(site: Site, measured, scored_once):
    (worker,) = site.start(slots=2)
    site.start_beat()
    runs = [site.submit("sleep", seconds=2, group=number % 4) for number in range(8)]
    lost = site.running(site.submit("sleep", seconds=2, group=9))
    worker.pool()[0].kill()
    worker.pool()[-1].kill()
    for submission in [*runs, lost]:
        site.wait(submission, seconds=90)
    scored_once(*runs, lost)
    assert all(set(site.exits(submission)) <= {Exit.LOST, Exit.SCORED} for submission in runs)
    overlapping = sum(overlap(submission) for submission in [*runs, lost])
    measured("attempts that began before the one before had ended", overlapping, exactly=0)


def overlap(submission: Submission) -> int:
    attempts = list(submission.attempts.order_by("number"))
    return sum(after.started_at < end_of(before) for before, after in pairwise(attempts))


@pytest.mark.fault("beat dead for 5 minutes")
def test_what_was_lost_while_beat_was_dead_is_found_when_it_is_back(site: Site, measured, scored_once):
    """Five minutes by the database: while beat is dead, all that happened before is put back by as much.

    What comes back finds a lease that ran out, and a last round that was made, five minutes ago.
    """
    (worker,) = site.start()
    beat = site.pieces[-1]
    submission = site.running(site.submit("sleep", seconds=2))
    beat.kill()
    worker.pool()[0].kill()
    until(lambda: site.waiting("upkeep") == 0, seconds=60, what="what beat sent last being heard")
    time.sleep(REAP_SECONDS)
    five_minutes_pass()
    time.sleep(2 * REAP_SECONDS)
    assert site.exits(submission) == [""], "nobody looks after leases meanwhile"

    beat = site.start_beat()
    until(lambda: "beat: Starting" in beat.said, seconds=90, what="beat's return")
    began = time.monotonic()
    site.running(submission, attempt=2)
    measured("running again after beat's return", time.monotonic() - began, at_most=30)

    site.wait(submission)
    assert site.exits(submission) == [Exit.LOST, Exit.SCORED]
    first = submission.attempts.get(number=1)
    assert end_of(first) - first.started_at > DEAD
    scored_once(submission)


def five_minutes_pass() -> None:
    Submission.objects.update(submitted_at=F("submitted_at") - DEAD, lease_until=F("lease_until") - DEAD)
    Attempt.objects.update(started_at=F("started_at") - DEAD)
    Worker.objects.update(reaped_at=F("reaped_at") - DEAD)  # its start is how a worker knows its row
