"""kill -9 and SIGSTOP, wherever it hurts: nothing is lost, nothing is scored twice, nobody is left behind."""

import os
import signal
import time

import psutil
import pytest

from submissions.models import Exit, State
from tests.faults.site import LEASE_SECONDS, Piece, Site
from tests.stack import until
from tests.trainers import gone

pytestmark = [pytest.mark.fault, pytest.mark.trains]


def only_trainer(worker: Piece) -> psutil.Process:
    (trainer,) = until(lambda: worker.trainers(), seconds=30, what="a trainer")
    return trainer


def test_a_trainer_that_is_killed_costs_an_attempt_and_no_more(site: Site, measured):
    (worker,) = site.start()
    submission = site.running(site.submit("sleep", seconds=4))
    trainer = only_trainer(worker)

    trainer.kill()
    began = time.monotonic()
    until(lambda: site.exits(submission)[0] == Exit.CRASHED, seconds=5, what="the first attempt's end")
    measured("back in the queue after", time.monotonic() - began, at_most=5)
    site.wait(submission)

    assert site.exits(submission) == [Exit.CRASHED, Exit.SCORED]
    assert site.scored_once(submission)


def test_a_pool_child_that_is_killed_takes_its_trainer_along_and_the_run_begins_again(site: Site, measured):
    (worker,) = site.start()
    submission = site.running(site.submit("sleep", seconds=4))
    trainer, (child,) = only_trainer(worker), worker.pool()

    child.kill()
    began = time.monotonic()
    assert gone(trainer.pid, within=5)
    measured("trainer gone after", time.monotonic() - began, at_most=5)
    site.running(submission, attempt=2)
    measured("attempt 2 running after", time.monotonic() - began, at_most=30 + LEASE_SECONDS)
    site.wait(submission)

    assert site.exits(submission) == [Exit.LOST, Exit.SCORED]
    assert site.scored_once(submission)


def test_a_worker_that_is_killed_leaves_no_orphan_and_another_one_takes_over(site: Site, measured):
    doomed, other = site.start(workers=2)
    first, second = site.submit("sleep", seconds=5), site.submit("sleep", seconds=5, group=2)
    site.running(first), site.running(second)

    orphans = doomed.kill()
    began = time.monotonic()
    assert len(orphans) == 2, "a pool child and its trainer"
    assert all(gone(process.pid, within=5) for process in orphans)
    measured("no orphan after", time.monotonic() - began, at_most=5)
    for submission in (first, second):
        site.wait(submission)
        assert site.scored_once(submission)

    assert sorted(site.exits(first) + site.exits(second)) == [Exit.LOST, Exit.SCORED, Exit.SCORED]
    assert other.process.poll() is None


def test_a_worker_that_slept_through_its_lease_changes_no_row_when_it_wakes(site: Site):
    sleeper, other = site.start(workers=2)
    submission = site.running(site.submit("sleep", seconds=6))
    host_of = {piece.pid: piece for piece in (sleeper, other)}
    holder = host_of[submission.attempts.get().worker.pid]

    holder.send(signal.SIGSTOP)
    site.running(submission, attempt=2)
    holder.send(signal.SIGCONT)
    site.wait(submission)
    time.sleep(3)  # the sleeper's own result, were it to write one, has come by now

    assert site.exits(submission) == [Exit.LOST, Exit.SCORED]
    assert site.scored_once(submission)
    assert not list((site.home / "spool").glob("*"))


def test_a_pool_that_lost_a_child_goes_on_with_a_new_one(site: Site):
    (worker,) = site.start()
    (child,) = worker.pool()

    os.kill(child.pid, signal.SIGKILL)
    submission = site.submit()

    assert site.wait(submission).state == State.SCORED
    assert site.scored_once(submission)
