"""Workers that instructors pause, drain and resume."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from submissions.models import Attempt, DeskEvent, Device, Duty, Exit, State, Worker
from submissions.pages.live_run import unserved_device
from submissions.queue import claims, leases, lifecycle, statistics
from submissions.queue.worker_duty import DutyRefused, set_duty
from tests.cast import claim_one, reload
from tests.scripted_trainer import ScriptedTrainer
from workers.service import consumer_switch, reaper
from workers.supervisor.run_monitor import RunMonitor


class Tasks:
    """Stands in for Celery's consumer: the names of the queues that it consumes from."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)

    def consuming_from(self, name: str) -> bool:
        return name in self.names


def consumer_of(tasks: Tasks) -> SimpleNamespace:
    return SimpleNamespace(task_consumer=tasks, add_task_queue=tasks.names.add, cancel_task_queue=tasks.names.discard)


@pytest.mark.parametrize("duty", [Duty.PAUSED, Duty.DRAINED])
def test_a_worker_that_is_taken_out_of_service_claims_nothing_until_it_is_resumed(duty, submission, worker, instructor):
    set_duty(worker, duty, user=instructor)
    assert claims.claim(device="cpu", worker=worker) is None

    set_duty(worker, Duty.ON, user=instructor)
    assert claim_one(worker).submission_id == submission.pk


@pytest.mark.parametrize(
    "changes",
    [{"stopped_at": timezone.now()}, {"started_at": timezone.now() - timedelta(days=1)}],
    ids=["it was marked stopped", "its row is another worker's"],
)
def test_a_worker_that_is_not_registered_claims_nothing(submission, worker, changes):
    Worker.objects.update(**changes)

    assert claims.claim(device="cpu", worker=worker) is None
    assert reload(submission).state == State.QUEUED


def test_no_submission_waits_for_a_paused_worker(submission, worker, instructor):
    assert unserved_device(submission) == ""
    set_duty(worker, Duty.PAUSED, user=instructor)

    assert unserved_device(submission) == "cpu"
    assert reaper.free_slots("cpu") == 0
    assert statistics.unserved(statistics.queues(None)) == ["cpu"]


def test_while_every_gpu_worker_is_paused_a_cpu_takes_what_may_run_on_either(worker, instructor):
    gpu = Worker.objects.create(
        name="gpu@here", host="here", pid=2, device="gpu", version="test", hardware=worker.hardware
    )
    assert not claims.takes_auto(Device.CPU)

    set_duty(gpu, Duty.PAUSED, user=instructor)

    assert claims.takes_auto(Device.CPU)


def test_a_run_goes_on_while_its_worker_is_paused_and_is_given_back_uncounted_when_it_is_drained(
    submission, worker, instructor
):
    attempt = claim_one(worker)
    monitor = RunMonitor(attempt, ScriptedTrainer(), threads=1)
    monitor.next_check.due_at = 0
    set_duty(worker, Duty.PAUSED, user=instructor)
    assert not monitor.check()

    monitor.next_check.due_at = 0
    set_duty(worker, Duty.DRAINED, user=instructor)
    assert monitor.check()

    ended = Attempt.objects.get()
    assert (ended.exit, ended.counted) == (Exit.DRAINED, False)
    assert reload(submission).state == State.QUEUED
    assert "out of service" in submission.events.last().reason


def test_a_cancel_comes_before_the_drain(submission, worker, owner, instructor):
    attempt = claim_one(worker)
    lifecycle.cancel(reload(submission), user=owner)
    leases.release(attempt, Exit.DRAINED, reason="drained")

    assert reload(submission).state == State.CANCELLED


def test_a_worker_takes_from_its_queue_only_while_it_is_on_duty():
    tasks = Tasks("cpu")

    consumer_switch.listen(consumer_of(tasks), "cpu", wanted=False)
    assert tasks.names == set()

    consumer_switch.listen(consumer_of(tasks), "cpu", wanted=True)
    assert tasks.names == {"cpu"}

    consumer_switch.listen(SimpleNamespace(task_consumer=None), "cpu", wanted=False)


def test_each_change_of_duty_stands_in_the_desk_s_history(worker, instructor):
    set_duty(worker, Duty.PAUSED, user=instructor)
    set_duty(worker, Duty.ON, user=instructor)

    assert [(event.kind, event.actor, event.about) for event in DeskEvent.objects.order_by("id")] == [
        ("worker_paused", "instructor", "cpu@here"),
        ("worker_resumed", "instructor", "cpu@here"),
    ]


def test_a_change_of_duty_that_changes_nothing_is_refused(worker, instructor):
    with pytest.raises(DutyRefused, match="already"):
        set_duty(worker, Duty.ON, user=instructor)
    Worker.objects.update(device="upkeep")
    worker.refresh_from_db()
    with pytest.raises(DutyRefused, match="upkeep"):
        set_duty(worker, Duty.PAUSED, user=instructor)
    assert not DeskEvent.objects.exists()
