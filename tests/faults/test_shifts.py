"""A real worker that instructors pause, drain and resume at the desk."""

import pytest

from submissions.models import Duty, Exit, State, Submission, User, Worker
from submissions.queue.worker_duty import set_duty
from tests.faults.site import Site
from tests.stack import until

pytestmark = [
    pytest.mark.fault,
    pytest.mark.trains,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),  # no matter of the database
]


def ask(duty: Duty, worker: Worker) -> None:
    instructor, _ = User.objects.get_or_create(username="instructor", is_staff=True)
    set_duty(worker, duty, user=instructor)


def test_a_drained_worker_gives_back_what_it_runs_and_takes_it_again_when_it_is_resumed(site: Site, measured):
    site.start()
    submission = site.running(site.submit("sleep", seconds=8))
    worker = submission.attempts.get().worker

    ask(Duty.DRAINED, worker)
    until(lambda: Submission.objects.get(pk=submission.pk).state == State.QUEUED, seconds=10, what="the run given back")
    given_back = submission.attempts.get()
    assert (given_back.exit, given_back.counted) == (Exit.DRAINED, False)

    ask(Duty.ON, worker)
    site.wait(submission)
    assert site.exits(submission) == [Exit.DRAINED, Exit.SCORED]
    assert site.scored_once(submission)


def test_a_paused_worker_ends_what_it_has_and_leaves_the_rest_to_another(site: Site):
    site.start(workers=2)
    first = site.running(site.submit("sleep", seconds=5))
    paused = first.attempts.get().worker

    ask(Duty.PAUSED, paused)
    later = [site.submit("sleep", seconds=0.5, group=group) for group in (2, 3, 4)]

    for submission in (first, *later):
        site.wait(submission)
    assert first.attempts.get().worker_id == paused.pk
    assert all(submission.attempts.get().worker_id != paused.pk for submission in later)
