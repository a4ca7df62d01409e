"""A submission that somebody cancels ends as cancelled or as scored, never both, and its process ends."""

import time

import pytest

from submissions.database.write_lock import writing
from submissions.models import Event, Exit, Score, State, Submission
from submissions.queue.lifecycle import MoveRefused, cancel
from tests.faults.site import Site
from tests.stack import until
from tests.trainers import gone

pytestmark = [pytest.mark.fault, pytest.mark.trains]
CANCELS = "cancel when queued, running, finishing"


@pytest.fixture
def slow_heartbeats(site: Site) -> Site:
    """A site with so few heartbeats that a run of a few seconds writes nothing to the database before its result."""
    site.env["QUEST_LEASE_SECONDS"] = "600"
    return site


@pytest.mark.fault(CANCELS)
def test_a_queued_submission_is_cancelled_at_once_and_a_running_one_within_seconds(site: Site, measured):
    (worker,) = site.start()
    user, _ = site.member_of(1)
    running = site.wait_until_running(site.submit("spawn"))
    queued = site.submit()
    trainer = worker.trainers()[0]

    assert cancel(queued, user=user) == State.CANCELLED
    began = time.monotonic()
    assert cancel(running, user=user) == State.RUNNING
    until(lambda: not trainer.is_running(), seconds=15, what="the trainer's end")
    measured("process ended after", time.monotonic() - began, at_most=15)

    assert site.wait(running).state == State.CANCELLED
    assert site.exits(running) == [Exit.CANCELLED]
    assert not queued.attempts.exists()
    measured("score rows", Score.objects.count(), exactly=0)
    assert Submission.objects.get(pk=queued.pk).refunded


@pytest.mark.fault(CANCELS)
def test_a_cancel_between_a_results_arrival_and_its_write_leaves_it_scored(
    slow_heartbeats: Site, measured, scored_once
):
    """The cancel is requested while the spooled result waits for the database; then the result is written."""
    site = slow_heartbeats
    site.start()
    user, _ = site.member_of(1)
    submission = site.wait_until_running(site.submit("sleep", seconds=6))

    with writing():
        Submission.objects.select_for_update().get(pk=submission.pk)
        until(lambda: list((site.home / "spool").glob("*.json")), seconds=60, what="the result")
        assert Submission.objects.get(pk=submission.pk).state == State.RUNNING
        assert cancel(submission, user=user) == State.RUNNING
    ended = site.wait(submission)

    kinds = list(ended.events.order_by("id").values_list("kind", flat=True))
    assert kinds[-2:] == [Event.Kind.CANCEL_ASKED, Event.Kind.SCORED]
    assert site.exits(ended) == [Exit.SCORED]
    scored_once(ended)


@pytest.mark.fault(CANCELS)
def test_a_cancel_before_the_result_arrives_leaves_it_cancelled(slow_heartbeats: Site, measured):
    """The trainer is suspended before it sends its result, and then killed."""
    site = slow_heartbeats
    (worker,) = site.start()
    user, _ = site.member_of(1)
    submission = site.wait_until_running(site.submit("sleep", seconds=10))
    (trainer,) = worker.trainers()
    trainer.suspend()

    assert cancel(submission, user=user) == State.RUNNING
    ended = site.wait(submission)

    assert (ended.state, site.exits(ended)) == (State.CANCELLED, [Exit.CANCELLED])
    measured("score rows of the cancelled submission", Score.objects.count(), exactly=0)
    assert gone(trainer.pid, within=15)


@pytest.mark.fault(CANCELS)
def test_a_cancel_after_the_write_is_refused(site: Site, scored_once):
    site.start()
    user, _ = site.member_of(1)
    submission = site.submit("sleep", seconds=0.5)
    site.wait(submission, State.SCORED)

    with pytest.raises(MoveRefused, match="already ended"):
        cancel(submission, user=user)

    assert not Submission.objects.get(pk=submission.pk).cancel_asked
    scored_once(submission)
