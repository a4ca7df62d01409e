"""Two beats, or none for a while: nothing runs twice, and what waited is found when one is back."""

import os
import time

import pytest

from submissions.models import Exit
from tests.faults.site import LEASE_SECONDS, Site

# Long enough for the lease to run out; QUEST_BEAT_DEAD=300 takes the five minutes of a night without an operator.
DEAD_SECONDS = float(os.environ.get("QUEST_BEAT_DEAD", LEASE_SECONDS + 5))

pytestmark = [pytest.mark.fault, pytest.mark.trains]


def test_two_beats_at_once_start_no_run_twice(site: Site):
    (worker,) = site.start(slots=2)
    site.start_beat()
    runs = [site.submit("sleep", seconds=2, group=number % 4) for number in range(8)]
    lost = site.running(site.submit("sleep", seconds=2, group=9))
    worker.pool()[0].kill()
    worker.pool()[-1].kill()
    for submission in [*runs, lost]:
        site.wait(submission, seconds=90)
        assert site.scored_once(submission)
    assert all(set(site.exits(submission)) <= {Exit.LOST, Exit.SCORED} for submission in runs)


def test_what_was_lost_while_beat_was_dead_is_found_when_it_is_back(site: Site, measured):
    (worker,) = site.start()
    beat = site.pieces[-1]
    submission = site.running(site.submit("sleep", seconds=2))
    beat.kill()
    worker.pool()[0].kill()
    time.sleep(DEAD_SECONDS)
    assert site.exits(submission) == [""], "nobody looks after leases meanwhile"

    site.start_beat()
    began = time.monotonic()
    site.running(submission, attempt=2)
    measured("running again after beat's return", time.monotonic() - began, at_most=30)

    site.wait(submission)
    assert site.exits(submission) == [Exit.LOST, Exit.SCORED]
    assert site.scored_once(submission)
