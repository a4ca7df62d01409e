"""kill -9 and SIGSTOP, wherever it hurts: nothing is lost, nothing is scored twice, nobody is left behind."""

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
from tests.faults.site import LEASE_SECONDS, Piece, Site
from tests.stack import until
from tests.trainers import gone

pytestmark = [pytest.mark.fault, pytest.mark.trains]


def only_trainer(worker: Piece) -> psutil.Process:
    (trainer,) = until(lambda: worker.trainers(), seconds=30, what="a trainer")
    return trainer


@pytest.mark.fault("kill -9 the trainer mid-epoch")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("model", ["a sleeping one", "a network"])
def test_a_trainer_that_is_killed_costs_an_attempt_and_no_more(site: Site, measured, scored_once, model: str):
    """The network within its second epoch, which like the other two takes seconds."""
    (worker,) = site.start()
    if model == "a network":
        submission = site.hand_in(network(), engine="stock")
        until(lambda: submission.attempts.exclude(epochs=[]).exists(), seconds=200, what="the first epoch's end")
    else:
        submission = site.running(site.submit("sleep", seconds=4))
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
    """A small CNN whose epochs, one image at a time, last."""
    layers = [
        {"kind": "Input", "shape": [8, 8, 1]},
        {"kind": "Conv2D", "filters": 8, "kernel_size": 3, "activation": "relu"},
        {"kind": "Flatten"},
        {"kind": "Dense", "units": 10, "activation": "softmax"},
    ]
    return validate({"family": "cnn", "layers": layers, "epochs": 3, "batch_size": 1}, dataset="digits")


@pytest.mark.fault("kill -9 the pool child")
def test_a_pool_child_that_is_killed_takes_its_trainer_along_and_the_run_begins_again(
    site: Site, measured, scored_once
):
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
    scored_once(submission)


@pytest.mark.fault("kill -9 the whole worker")
def test_a_worker_that_is_killed_leaves_no_orphan_and_another_one_takes_over(site: Site, measured, scored_once):
    doomed, other = site.start(workers=2)
    first, second = site.submit("sleep", seconds=5), site.submit("sleep", seconds=5, group=2)
    site.running(first), site.running(second)

    orphans = doomed.kill()
    began = time.monotonic()
    assert len(orphans) == 2, "a pool child and its trainer"
    assert all(gone(process.pid, within=5) for process in orphans)
    measured("no orphan after", time.monotonic() - began, at_most=5)
    site.wait(first), site.wait(second)
    scored_once(first, second)
    assert sorted(site.exits(first) + site.exits(second)) == [Exit.LOST, Exit.SCORED, Exit.SCORED]
    assert other.process.poll() is None


@pytest.mark.fault("SIGSTOP a worker past its lease, then CONT")
def test_a_worker_that_slept_through_its_lease_changes_no_row_when_it_wakes(site: Site, measured, scored_once):
    """It falls asleep while it writes its result down, and so has yet to hand it in when it wakes.

    Elsewhere it would beat its heart first, and learn there that the lease is gone: should it have been there, it is
    put to sleep again in another run, until it has tried to write.
    """
    workers = {piece.pid: piece for piece in site.start(workers=2)}
    for _ in range(4):
        submission = site.running(site.submit("sleep", seconds=2))
        holder = workers[submission.attempts.get().worker.pid]
        asleep = [psutil.Process(holder.pid), *holder.pool()]
        pipe = unread_pipe(site, submission)
        until(heart_stopped(submission), seconds=60, what="a worker held up by its spool")

        signal_all(asleep, signal.SIGSTOP)
        site.running(submission, attempt=2)
        signal_all(asleep, signal.SIGCONT)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        until(lambda: "lease lost: nothing written" in holder.said, seconds=30, what="the sleeper's discovery")  # noqa: B023
        os.close(reader)
        site.wait(submission)

        assert site.exits(submission) == [Exit.LOST, Exit.SCORED]
        assert site.scored_once(submission)
        if "a late result was refused" in holder.said:
            break
    measured("late writes, refused", holder.said.count("a late result was refused"), exactly=1)
    assert not list((site.home / "spool").glob("*.json"))
    scored_once(submission)


def unread_pipe(site: Site, submission: Submission) -> Path:
    """A pipe in the place of the file that the result is written to: that waits until somebody reads."""
    spool = site.home / "spool"
    spool.mkdir(exist_ok=True)
    pipe = spool / f"{submission.attempts.get().lease}.part"
    os.mkfifo(pipe)
    return pipe


def heart_stopped(submission: Submission) -> Callable[[], bool]:
    """Whether the lease was not renewed for three heartbeats."""
    renewed: list[tuple[datetime | None, float]] = []

    def stopped() -> bool:
        until, now = Submission.objects.get(pk=submission.pk).lease_until, time.monotonic()
        if not renewed or renewed[-1][0] != until:
            renewed.append((until, now))
        return now - renewed[-1][1] > LEASE_SECONDS / 2

    return stopped


def signal_all(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        process.send_signal(number)


def test_a_pool_that_lost_a_child_goes_on_with_a_new_one(site: Site):
    (worker,) = site.start()
    (child,) = worker.pool()

    os.kill(child.pid, signal.SIGKILL)
    submission = site.submit()

    assert site.wait(submission).state == State.SCORED
    assert site.scored_once(submission)
