"""Faults of a worker cost the group nothing and take that worker out of service."""

from __future__ import annotations

import errno
import sys

import pytest

from submissions.models import Attempt, DeskEvent, Duty, Exit, State, Submission, Worker
from submissions.queue import claims
from tests.cast import claim_one, reload
from tests.scripted_trainer import DIED, STARTED, ScriptedTrainer, supervise
from tests.trainers import answer, job
from workers.probes import hardware
from workers.processes import protocol
from workers.processes.protocol import FailedEvent
from workers.service import doctor
from workers.supervisor import run_monitor
from workers.supervisor.run_monitor import RunMonitor
from workers.trainer import faults

FETCH: FailedEvent = {
    "event": "failed",
    "kind": "platform",
    "message": "FetchError: no mnist",
    "traceback": "Traceback …",
}


@pytest.fixture
def other_worker(worker) -> Worker:
    return Worker.objects.create(
        name="cpu@there", host="there", pid=2, device="cpu", version="test", hardware=worker.hardware
    )


def test_a_worker_without_data_gives_the_run_back_and_claims_no_more(submission, worker):
    attempt = supervise(worker, FETCH)

    assert (attempt.exit, attempt.traceback) == (Exit.LOST, "Traceback …")
    assert reload(submission).state == State.QUEUED
    assert Worker.objects.get().duty == Duty.PAUSED
    assert claims.claim(device="cpu", worker=worker) is None


def test_instructors_read_why_the_worker_is_paused(submission, worker, instructor_client):
    supervise(worker, FETCH)

    event = DeskEvent.objects.get()
    assert (event.kind, event.actor, event.detail) == ("worker_paused", "cpu@here", "FetchError: no mnist")
    assert list(doctor.duty()) == [
        "Worker cpu@here is paused and takes no runs (FetchError: no mnist): mend that, and resume it at the desk, "
        "under Queue."
    ]
    for page in ("/desk/queue/", "/desk/history/"):
        assert "FetchError: no mnist" in instructor_client.get(page).content.decode()


def test_a_student_reads_that_it_was_not_the_model(submission, worker, owner_client):
    for _ in range(3):
        Worker.objects.update(duty=Duty.ON)
        supervise(worker, FETCH)

    submission = reload(submission)
    assert (submission.state, submission.refunded) == (State.FAILED, True)
    told = owner_client.get(f"/submissions/{submission.pk}/").content.decode()
    assert "The worker lacks something that every run needs" in told
    assert "no fault of yours" in told
    assert "FetchError" not in told


def test_a_trainer_that_dies_before_the_training_begins_costs_no_quota(submission, worker, other_worker):
    attempts = [supervise(one, DIED) for one in (worker, other_worker, worker)]

    assert [attempt.exit for attempt in attempts] == [Exit.LOST] * 3
    submission = reload(submission)
    assert (submission.state, submission.refunded) == (State.FAILED, True)
    assert "ended before the training began (exit code -11)" in submission.reason


def test_a_worker_whose_trainer_dies_twice_in_a_row_claims_no_more(submission, worker):
    supervise(worker, DIED)
    assert Worker.objects.get().duty == Duty.ON

    supervise(worker, DIED)
    assert Worker.objects.get().duty == Duty.PAUSED


def test_a_trainer_that_dies_in_training_counts_against_the_model(submission, worker):
    assert [supervise(worker, STARTED, DIED).exit for _ in range(3)] == [Exit.CRASHED] * 3

    submission = reload(submission)
    assert (submission.state, submission.refunded) == (State.FAILED, False)
    assert Worker.objects.get().duty == Duty.ON


def watched(worker: Worker, quest, **limits: int) -> RunMonitor:
    type(quest).objects.filter(pk=quest.pk).update(**limits)
    monitor = RunMonitor(claim_one(worker), ScriptedTrainer(), threads=1)
    monitor.next_check.due_at = 0
    return monitor


def test_the_time_before_the_training_begins_does_not_count_for_the_limit(submission, worker, quest):
    monitor = watched(worker, quest, run_seconds=60)
    monitor.began -= 214

    assert not monitor.check()
    monitor.handle_event(STARTED)
    monitor.next_check.due_at = 0
    assert not monitor.check()
    assert reload(submission).state == State.RUNNING


def test_a_training_that_takes_longer_than_the_quest_allows_is_stopped(submission, worker, quest):
    monitor = watched(worker, quest, run_seconds=60)
    monitor.handle_event(STARTED)
    monitor.fit_began -= 61

    assert monitor.check()
    assert reload(submission).state == State.TIMED_OUT


def test_a_training_that_never_begins_is_the_platforms_fault(submission, worker, quest):
    monitor = watched(worker, quest)
    monitor.began -= run_monitor.START_SECONDS + 1

    assert monitor.check()
    assert Attempt.objects.get().exit == Exit.LOST
    assert "had not begun after 600 seconds" in Submission.objects.get().events.latest("pk").reason


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ImportError("no module named keras"), "platform"),
        (OSError(errno.ENOSPC, "No space left on device"), "platform"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (protocol.Unfit("no GPU"), "platform"),
        (MemoryError(), "memory"),
        (ValueError("Found array with 0 features"), "error"),
        (TypeError("unexpected keyword"), "error"),
    ],
)
def test_the_type_of_an_error_decides_who_is_to_blame(error, kind):
    assert faults.kind_of(error) == kind


def test_any_error_in_what_every_model_needs_is_blamed_on_the_worker():
    with pytest.raises(protocol.Unfit, match="ValueError: damaged"), faults.what_any_model_needs():
        raise ValueError("damaged")
    with pytest.raises(MemoryError), faults.what_any_model_needs():
        raise MemoryError


@pytest.mark.parametrize(("there", "kind"), [(True, "error"), (False, "platform")])
def test_an_error_on_a_gpu_that_is_gone_is_blamed_on_the_worker(monkeypatch, there, kind):
    monkeypatch.setenv("QUEST_DEVICE", "gpu")
    monkeypatch.setattr(hardware, "gpus_from_nvidia_smi", lambda: ({"name": "A100"},) if there else ())
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert faults.kind_of(RuntimeError("CUDA_ERROR_UNKNOWN")) == kind
    hardware.detected_gpus.cache_clear()


@pytest.mark.trains
def test_a_trainer_without_data_blames_the_worker_and_still_blames_the_model_for_a_wrong_spec(start_trainer):
    trainer = start_trainer(env={"QUEST_DATA_HOME": "/dev/null/nowhere", "QUEST_DATA": ""})
    failed = answer(trainer, job({"family": "knn"}))

    assert (failed["kind"], failed["message"][:28]) == ("platform", "FetchError: Cannot write to ")
    assert answer(trainer, job({"family": "knn", "n_neighbors": 0}))["kind"] == "error"


@pytest.mark.trains
def test_an_errors_message_can_be_stored(start_trainer):
    failed = answer(start_trainer(), job({"family": "knn"}, dataset="dig\0its"))

    assert "\0" not in failed["message"] + failed["traceback"]
    assert "dig" in failed["message"] + failed["traceback"]
