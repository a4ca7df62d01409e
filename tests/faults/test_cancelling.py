"""Cancelled or scored, never both, and the process is gone."""

import random
import time

import pytest

from submissions.models import Exit, Score, State, Submission
from submissions.moves import MoveRefused, cancel
from tests.faults.site import Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]


def test_what_waits_is_cancelled_at_once_and_what_runs_within_seconds(site: Site, measured):
    (worker,) = site.start()
    user, _ = site.member_of(1)
    running = site.running(site.submit("spawn"))
    queued = site.submit()
    trainer = worker.trainers()[0]

    assert cancel(queued, user=user) == State.CANCELLED
    began = time.monotonic()
    assert cancel(running, user=user) == State.RUNNING
    until(lambda: not trainer.is_running(), seconds=15, what="the trainer's end")
    measured("process gone after", time.monotonic() - began, at_most=15)

    assert site.wait(running).state == State.CANCELLED
    assert site.exits(running) == [Exit.CANCELLED]
    assert not queued.attempts.exists()
    assert not Score.objects.exists()
    assert Submission.objects.get(pk=queued.pk).refunded


def test_a_cancel_that_meets_the_finish_leaves_it_cancelled_or_scored_and_never_both(site: Site):
    site.start(slots=2)
    user, _ = site.member_of(1)
    ends = []
    for _ in range(12):
        submission = site.running(site.submit("sleep", seconds=0.4))
        time.sleep(random.uniform(0, 0.5))
        try:
            cancel(submission, user=user)
        except MoveRefused:
            assert Submission.objects.get(pk=submission.pk).state == State.SCORED
        ended = site.wait(submission)
        scores = Score.objects.filter(submission=ended).count()
        assert (ended.state, scores) in {(State.SCORED, 1), (State.CANCELLED, 0)}, site.story(ended)
        assert site.exits(ended) == [Exit.SCORED if scores else Exit.CANCELLED]
        ends.append(ended.state)
    assert ends
