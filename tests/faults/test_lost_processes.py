"""kill -9 and SIGSTOP: no submission is lost, none is scored twice, and no process is left behind."""

import os
import signal
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from submissions.models import Exit, State, Submission
from submissions.specs.spec import Spec
from submissions.specs.validation import validate
from tests.faults.site import LEASE_SECONDS, ServiceProcess, Site
from tests.stack import until
from tests.trainers import gone

pytestmark = [pytest.mark.fault, pytest.mark.trains]


def only_trainer(worker: ServiceProcess) -> psutil.Process:
    (trainer,) = until(lambda: worker.trainers(), seconds=30, what="a trainer")
    return trainer


@pytest.mark.fault("kill -9 the trainer mid-epoch")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("model", ["a sleeping model", "a network"])
def test_a_killed_trainer_costs_one_attempt(site: Site, measured, scored_once, model: str):
    """The network is killed in its second epoch; each epoch takes seconds."""
    (worker,) = site.start()
    if model == "a network":
        submission = site.submit_spec(network(), engine="stock")
        until(lambda: submission.attempts.exclude(epochs=[]).exists(), seconds=200, what="the first epoch's end")
    else:
        submission = site.wait_until_running(site.submit("sleep", seconds=4))
    trainer = only_trainer(worker)

    trainer.kill()
    began = time.monotonic()
    until(lambda: site.exits(submission)[0] == Exit.CRASHED, seconds=5, what="the first attempt's end")
    measured(f"{model} back in the queue after", time.monotonic() - began, at_most=5)
    assert len(submission.attempts.get(number=1).epochs) < 3
    site.wait(submission, seconds=300)

    assert site.exits(submission) == [Exit.CRASHED, Exit.SCORED]
    scored_once(submission)


def network() -> Spec:
    """A small CNN with a batch size of one, so that each of its epochs takes seconds."""
    layers = [
        {"kind": "Input", "shape": [8, 8, 1]},
        {"kind": "Conv2D", "filters": 8, "kernel_size": 3, "activation": "relu"},
        {"kind": "Flatten"},
        {"kind": "Dense", "units": 10, "activation": "softmax"},
    ]
    return validate({"family": "cnn", "layers": layers, "epochs": 3, "batch_size": 1}, dataset="digits")


@pytest.mark.fault("kill -9 the pool child")
def test_a_killed_pool_child_takes_its_trainer_along_and_the_run_starts_again(site: Site, measured, scored_once):
    (worker,) = site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=4))
    trainer, (child,) = only_trainer(worker), worker.pool()

    child.kill()
    began = time.monotonic()
    assert gone(trainer.pid, within=5)
    measured("trainer ended after", time.monotonic() - began, at_most=5)
    site.wait_until_running(submission, attempt=2)
    measured("attempt 2 running after", time.monotonic() - began, at_most=30 + LEASE_SECONDS)
    site.wait(submission)

    assert site.exits(submission) == [Exit.LOST, Exit.SCORED]
    scored_once(submission)


@pytest.mark.fault("kill -9 the whole worker")
def test_a_killed_worker_leaves_no_orphan_and_another_worker_takes_over(site: Site, measured, scored_once):
    doomed, other = site.start(workers=2)
    first, second = site.submit("sleep", seconds=5), site.submit("sleep", seconds=5, group=2)
    site.wait_until_running(first), site.wait_until_running(second)

    orphans = doomed.kill()
    began = time.monotonic()
    assert len(orphans) == 2, "a pool child and its trainer"
    assert all(gone(process.pid, within=5) for process in orphans)
    measured("all orphans ended after", time.monotonic() - began, at_most=5)
    site.wait(first), site.wait(second)
    scored_once(first, second)
    assert sorted(site.exits(first) + site.exits(second)) == [Exit.LOST, Exit.SCORED, Exit.SCORED]
    assert other.process.poll() is None


@pytest.mark.fault("SIGSTOP a worker past its lease, then CONT")
def test_a_worker_stopped_past_its_lease_changes_no_row_when_it_continues(site: Site, measured, scored_once):
    """The worker must continue with a write of its late result, and not with a heartbeat, which would show the loss.

    1. The spool file is a pipe without a reader, so the worker blocks while it spools the result.
    2. SIGSTOP: the lease expires, and the other worker starts attempt 2.
    3. SIGCONT: the worker tries to write the result, and is refused.

    If it sends a heartbeat first in step 3, the test repeats the steps with another run, up to four times.
    """
    workers = {process.pid: process for process in site.start(workers=2)}
    for _ in range(4):
        submission = site.wait_until_running(site.submit("sleep", seconds=2))
        holder = workers[submission.attempts.get().worker.pid]
        stopped = [psutil.Process(holder.pid), *holder.pool()]
        pipe = unread_pipe(site, submission)
        until(no_heartbeats(submission), seconds=60, what="a worker blocked by its spool")

        signal_all(stopped, signal.SIGSTOP)
        site.wait_until_running(submission, attempt=2)
        signal_all(stopped, signal.SIGCONT)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        until(lambda: "lease lost: nothing written" in holder.output, seconds=30, what="the loss in the log")  # noqa: B023
        os.close(reader)
        site.wait(submission)

        assert site.exits(submission) == [Exit.LOST, Exit.SCORED]
        assert site.scored_once(submission)
        if "a late result was refused" in holder.output:
            break
    measured("late writes that were refused", holder.output.count("a late result was refused"), exactly=1)
    assert not list((site.home / "spool").glob("*.json"))
    scored_once(submission)


def unread_pipe(site: Site, submission: Submission) -> Path:
    """Put a pipe in the place of the result's spool file: opening it to write blocks until somebody reads."""
    spool = site.home / "spool"
    spool.mkdir(exist_ok=True)
    pipe = spool / f"{submission.attempts.get().lease}.part"
    os.mkfifo(pipe)
    return pipe


def no_heartbeats(submission: Submission) -> Callable[[], bool]:
    """A condition: the lease was not renewed for the time of three heartbeats."""
    renewed: list[tuple[datetime | None, float]] = []

    def is_silent() -> bool:
        until, now = Submission.objects.get(pk=submission.pk).lease_until, time.monotonic()
        if not renewed or renewed[-1][0] != until:
            renewed.append((until, now))
        return now - renewed[-1][1] > LEASE_SECONDS / 2

    return is_silent


def signal_all(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        process.send_signal(number)


def test_a_pool_replaces_a_lost_child(site: Site):
    (worker,) = site.start()
    (child,) = worker.pool()

    os.kill(child.pid, signal.SIGKILL)
    submission = site.submit()

    assert site.wait(submission).state == State.SCORED
    assert site.scored_once(submission)
