"""A worker that gets SIGTERM returns its run to the queue, uncounted, and ends, even without a broker."""

import signal
import time

import psutil
import pytest

from submissions.models import Exit, State, Submission
from tests.faults.site import Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]
DEPLOY = "SIGTERM to a worker mid-run (a deploy)"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # does not depend on the database


@pytest.mark.fault(DEPLOY)
@on_sqlite
def test_a_worker_that_is_stopped_returns_its_run_uncounted(site: Site, measured):
    """The soft shutdown is as long as in a deploy: sixty seconds."""
    stopping, _ = site.start(workers=2, QUEST_SOFT_SHUTDOWN_SECONDS="60")
    submission = site.wait_until_running(site.submit("sleep", seconds=90))
    second = site.wait_until_running(site.submit("sleep", seconds=90, group=2))
    mine = submission if submission.attempts.get().worker.pid == stopping.pid else second
    processes = stopping.tree()

    measured("worker ended after", stopping.stop(within=90), at_most=75)

    first = mine.attempts.get(number=1)
    assert (first.exit, first.counted) == (Exit.DRAINED, False)
    assert Submission.objects.get(pk=mine.pk).state == State.QUEUED
    until(lambda: not any(map(is_alive, processes)), seconds=5, what="the end of all its processes")


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.fault(DEPLOY)
def test_a_returned_run_is_taken_by_another_worker_at_once(site: Site, measured, scored_once):
    stopping, other = site.start(workers=2)
    runs = [site.wait_until_running(site.submit("sleep", seconds=6, group=group)) for group in (1, 2)]
    stopping.stop(within=20)
    stopped = time.monotonic()
    for submission in runs:
        site.wait(submission)
    measured("all scored after", time.monotonic() - stopped, at_most=30)
    scored_once(*runs)
    measured(
        "returned runs that were counted", sum(one.attempts.filter(counted=True).count() for one in runs), exactly=0
    )
    assert sorted(map(site.exits, runs)) == [[Exit.DRAINED, Exit.SCORED], [Exit.SCORED]]
    assert other.process.poll() is None


@pytest.mark.fault(DEPLOY)
@on_sqlite
@pytest.mark.parametrize("died", ["long before", "at the same moment", "a moment later"])
def test_a_worker_ends_although_its_broker_is_dead(site: Site, measured, died: str):
    (worker,) = site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=60))
    broker = site.processes[0]
    if died == "a moment later":
        worker.process.terminate()
        time.sleep(1)
    broker.kill()
    if died == "long before":
        time.sleep(8)

    measured(f"worker ended (broker died {died}) after", worker.stop(within=60), at_most=20)

    assert site.exits(submission) == [Exit.DRAINED]
    assert Submission.objects.get(pk=submission.pk).state == State.QUEUED


@pytest.mark.fault(DEPLOY)
@on_sqlite
def test_an_idle_worker_ends_although_its_broker_hangs(site: Site, measured):
    (worker,) = site.start()
    site.processes[0].process.send_signal(signal.SIGSTOP)

    measured("idle worker ended while the broker hangs after", worker.stop(within=60), at_most=20)
