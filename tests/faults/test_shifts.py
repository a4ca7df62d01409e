"""Instructors pause, drain and resume a real worker."""

import pytest

from submissions.models import Duty, Exit, State, Submission, User, Worker
from submissions.queue.worker_duty import set_duty
from tests.faults.site import Site
from tests.stack import until

pytestmark = [
    pytest.mark.fault,
    pytest.mark.trains,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),  # does not depend on the database
]


def set_worker_duty(duty: Duty, worker: Worker) -> None:
    instructor, _ = User.objects.get_or_create(username="instructor", is_staff=True)
    set_duty(worker, duty, user=instructor)


def test_a_drained_worker_returns_its_run_and_takes_it_again_when_resumed(site: Site):
    site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=8))
    worker = submission.attempts.get().worker

    set_worker_duty(Duty.DRAINED, worker)
    until(lambda: Submission.objects.get(pk=submission.pk).state == State.QUEUED, seconds=10, what="the returned run")
    returned = submission.attempts.get()
    assert (returned.exit, returned.counted) == (Exit.DRAINED, False)

    set_worker_duty(Duty.ON, worker)
    site.wait(submission)
    assert site.exits(submission) == [Exit.DRAINED, Exit.SCORED]
    assert site.scored_once(submission)


def test_a_paused_worker_finishes_its_run_and_leaves_the_others_to_another_worker(site: Site):
    site.start(workers=2)
    first = site.wait_until_running(site.submit("sleep", seconds=5))
    paused = first.attempts.get().worker

    set_worker_duty(Duty.PAUSED, paused)
    later = [site.submit("sleep", seconds=0.5, group=group) for group in (2, 3, 4)]

    for submission in (first, *later):
        site.wait(submission)
    assert first.attempts.get().worker_id == paused.pk
    assert all(submission.attempts.get().worker_id != paused.pk for submission in later)
