"""However an attempt ends, it keeps its trainer's output for instructors."""

from __future__ import annotations

from typing import Any

import pytest

from submissions.intake.submit import submit
from submissions.models import Exit, Quest
from submissions.queue import leases, lifecycle
from submissions.specs.families import family_named
from submissions.specs.spec import Spec
from tests.cast import claim_one, result_of
from workers.supervisor.run_monitor import RunMonitor

pytestmark = pytest.mark.trains


def odd(**fields: Any) -> Spec:
    return family_named("odd").spec(**fields)


@pytest.fixture
def run(odd_family, quest, owner, group, worker, start_trainer):
    """Runs a model that misbehaves as a supervisor does; returns the attempt as it ended."""

    def run(does: str, **limits: int):
        Quest.objects.filter(pk=quest.pk).update(**limits)
        submit(quest=quest, submitter=owner, group=group, spec=odd(does=does))
        attempt = claim_one(worker)
        RunMonitor(attempt, start_trainer(warm=["odd"]), threads=1).follow()
        attempt.refresh_from_db()
        return attempt

    return run


def test_an_error_in_training_keeps_its_traceback_and_what_was_printed(run):
    attempt = run("fail")

    assert attempt.exit == Exit.ERROR
    assert attempt.traceback.startswith("Traceback")
    assert "the model does not like these images" in attempt.traceback
    assert "about to fail" in attempt.output


def test_an_interpreter_that_crashes_says_where_it_was(run):
    attempt = run("abort")

    assert attempt.exit == Exit.CRASHED
    assert "about to abort" in attempt.output
    assert "Fatal Python error: Aborted" in attempt.output
    assert "_abort" in attempt.output


def test_a_model_that_python_has_no_memory_for_keeps_its_traceback(run):
    attempt = run("starve")

    assert attempt.exit == Exit.OUT_OF_MEMORY
    assert attempt.traceback.rstrip().endswith("MemoryError")
    assert "about to starve" in attempt.output


def test_a_run_that_outgrows_its_memory_keeps_what_was_printed(run):
    attempt = run("eat", memory_mb=512)

    assert attempt.exit == Exit.OUT_OF_MEMORY
    assert "about to eat" in attempt.output


def test_a_run_that_takes_too_long_keeps_what_was_printed(run):
    attempt = run("sleep", run_seconds=2)

    assert attempt.exit == Exit.TIMED_OUT
    assert "about to sleep" in attempt.output


def test_a_run_that_was_scored_keeps_what_was_printed(run):
    attempt = run("nothing")

    assert attempt.exit == Exit.SCORED
    assert "about to nothing" in attempt.output


def test_a_runs_output_does_not_include_the_run_before(
    trainer_environment, start_trainer, odd_family, quest, owner, worker
):
    trainer = start_trainer(warm=["odd"])
    attempts = []
    for does in ("print", "nothing"):
        submit(quest=quest, submitter=_staff(owner), group=None, spec=odd(does=does, seconds=3))
        attempts.append(claim_one(worker))
        RunMonitor(attempts[-1], trainer, threads=1).follow()
        attempts[-1].refresh_from_db()

    assert "no end of line" in attempts[0].output
    assert "no end of line" not in attempts[1].output
    assert "about to nothing" in attempts[1].output


def _staff(user):
    user.is_staff = True
    user.save()
    return user


def test_output_and_traceback_of_every_attempt_are_shown_to_instructors_alone(
    submission, worker, owner_client, instructor_client
):
    leases.release(claim_one(worker), Exit.CRASHED, reason="It crashed.", output="Segmentation fault")
    leases.fail(claim_one(worker), reason="ValueError", traceback="Traceback: line 7", output="a warning")

    for address in (f"/submissions/{submission.pk}/", f"/api/v1/submissions/{submission.pk}/"):
        told = instructor_client.get(address).content.decode()
        hidden = owner_client.get(address).content.decode()
        for words in ("Segmentation fault", "Traceback: line 7", "a warning"):
            assert words in told
            assert words not in hidden


def test_a_cancelled_run_keeps_what_was_printed(submission, owner, worker):
    attempt = claim_one(worker)
    lifecycle.cancel(submission, user=owner)

    leases.record_cancelled(attempt, output="epoch 3 of 900")

    attempt.refresh_from_db()
    assert (attempt.exit, attempt.output) == (Exit.CANCELLED, "epoch 3 of 900")


def test_what_a_scored_run_printed_comes_with_its_result(submission, worker):
    attempt = claim_one(worker)

    leases.record_score(attempt, {**result_of(350), "output": "ConvergenceWarning"})

    attempt.refresh_from_db()
    assert attempt.output == "ConvergenceWarning"
