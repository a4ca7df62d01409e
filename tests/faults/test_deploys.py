"""A worker that is asked to leave gives its run back, uncounted, and goes – whatever has become of the broker."""

import time

import psutil
import pytest

from submissions.models import Exit, State, Submission
from tests.faults.site import Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]
DEPLOY = "SIGTERM to a worker mid-run (a deploy)"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no matter of the database


@pytest.mark.fault(DEPLOY)
@on_sqlite
def test_a_worker_asked_to_leave_gives_its_run_back_uncounted(site: Site, measured):
    """With the sixty seconds of patience that a deploy has."""
    leaving, _ = site.start(workers=2, QUEST_SOFT_SHUTDOWN_SECONDS="60")
    submission = site.running(site.submit("sleep", seconds=90))
    second = site.running(site.submit("sleep", seconds=90, group=2))
    mine = submission if submission.attempts.get().worker.pid == leaving.pid else second
    processes = leaving.family()

    measured("left after", leaving.leave(within=90), at_most=75)

    first = mine.attempts.get(number=1)
    assert (first.exit, first.counted) == (Exit.DRAINED, False)
    assert Submission.objects.get(pk=mine.pk).state == State.QUEUED
    until(lambda: not any(map(alive, processes)), seconds=5, what="the end of all its processes")


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.fault(DEPLOY)
def test_what_was_given_back_is_taken_by_another_worker_at_once(site: Site, measured, scored_once):
    leaving, other = site.start(workers=2)
    runs = [site.running(site.submit("sleep", seconds=6, group=group)) for group in (1, 2)]
    leaving.leave(within=20)
    left = time.monotonic()
    for submission in runs:
        site.wait(submission)
    measured("all scored after", time.monotonic() - left, at_most=30)
    scored_once(*runs)
    measured("given back, counted", sum(one.attempts.filter(counted=True).count() for one in runs), exactly=0)
    assert sorted(map(site.exits, runs)) == [[Exit.DRAINED, Exit.SCORED], [Exit.SCORED]]
    assert other.process.poll() is None


@pytest.mark.fault(DEPLOY)
@on_sqlite
@pytest.mark.parametrize("died", ["long before", "at the same moment", "a moment later"])
def test_a_worker_leaves_though_its_broker_is_dead(site: Site, measured, died: str):
    (worker,) = site.start()
    submission = site.running(site.submit("sleep", seconds=60))
    broker = site.pieces[0]
    if died == "a moment later":
        worker.process.terminate()
        time.sleep(1)
    broker.kill()
    if died == "long before":
        time.sleep(8)

    measured(f"left (broker died {died}) after", worker.leave(within=60), at_most=20)

    assert site.exits(submission) == [Exit.DRAINED]
    assert Submission.objects.get(pk=submission.pk).state == State.QUEUED


@pytest.mark.fault(DEPLOY)
@on_sqlite
def test_an_idle_worker_leaves_though_its_broker_hangs(site: Site, measured):
    (worker,) = site.start()
    site.pieces[0].process.send_signal(19)

    measured("idle, its broker hanging, left after", worker.leave(within=60), at_most=20)
