"""`manage.py replay ATTEMPT` trains an attempt again, compares it with its record, and saves nothing."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from submissions.intake import submit as intake
from submissions.models import Attempt, Event, Exit, Score, Submission
from submissions.queue import leases
from submissions.specs.families import family_named
from tests.cast import claim_one
from workers.supervisor.run_monitor import RunMonitor

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def trainer_settings(trainer_environment, monkeypatch):
    for name, value in trainer_environment.items():
        monkeypatch.setenv(name, value)


def replayed(*arguments: str, code: int = 0) -> str:
    output = io.StringIO()
    if code:
        with pytest.raises(SystemExit) as exit_:
            call_command("replay", *arguments, stdout=output)
        assert exit_.value.code == code, output.getvalue()
    else:
        call_command("replay", *arguments, stdout=output)
    return output.getvalue()


def rows() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Submission, Attempt, Score, Event)]


@pytest.fixture
def scored(submit, worker, trainer):
    """An attempt at a small forest, really trained and scored."""
    submit({"family": "forest", "n_estimators": 5})
    attempt = claim_one(worker)
    RunMonitor(attempt, trainer, threads=1).follow()
    attempt.refresh_from_db()
    assert attempt.exit == Exit.SCORED
    return attempt


def test_a_replay_gives_the_same_answers_and_records_nothing(scored):
    before = rows()

    output = replayed(str(scored.pk))

    assert "The two agree on every test image." in output
    score = next(line for line in output.splitlines() if line.startswith("score"))
    recorded, now = score.removeprefix("score").split(" of 360)")[:2]
    assert recorded.strip() == now.strip()
    assert "training" in output
    assert rows() == before


def test_a_replay_counts_the_images_with_other_answers(scored):
    score = Score.objects.get()
    score.errors = [*score.errors[1:], [359, 3] if score.errors[-1][0] != 359 else [0, 3]]
    score.save()

    output = replayed(f"{scored.submission_id}/{scored.number}", code=3)

    assert "The two disagree on 2 test images." in output


@pytest.fixture
def odd(odd_family, quest, owner, group, worker):
    """A failed attempt at a model that misbehaves."""

    def odd(does: str) -> str:
        intake.submit(quest=quest, submitter=owner, group=group, spec=family_named("odd").spec(**{"does": does}))
        attempt = claim_one(worker)
        leases.fail(attempt, reason="It went wrong.")
        return str(attempt.pk)

    return odd


def test_an_error_is_shown_with_its_traceback_and_what_was_printed(odd):
    output = replayed(odd("fail"), code=1)

    assert "about to fail" in output
    assert "Traceback (most recent call last)" in output
    assert "ValueError: the model does not like these images" in output
    assert output.rstrip().endswith("Recorded: error in training. It went wrong.")


def test_a_crash_is_shown_with_its_place(odd):
    output = replayed(odd("abort"), code=1)

    assert "Fatal Python error: Aborted" in output
    assert "The trainer crashed (exit code -6)." in output


def test_a_run_that_does_not_end_is_stopped(odd):
    output = replayed(odd("sleep"), "--seconds", "3", code=1)

    assert "It was still running after 3 seconds and was stopped." in output


def test_an_attempt_without_a_score_may_be_scored_now(odd):
    output = replayed(odd("nothing"))

    assert "score           –" in output
    assert "Recorded: error in training. It went wrong." in output


@pytest.mark.parametrize("asked", ["4711", "17/2", "latest", "9" * 40])
def test_an_attempt_that_is_not_there_is_named(db, asked):
    with pytest.raises(CommandError, match=f"no attempt '{asked}'"):
        replayed(asked)
