"""After a restore nothing runs that ran when the backup was made, and its workers have left."""

from __future__ import annotations

from typing import Any

from config.backup import backup
from submissions.models import Attempt, Exit, State, Worker
from submissions.queue import leases
from tests.cast import claim_one, reload, result_of


def test_running_submissions_are_released_uncounted_and_their_workers_marked_stopped(submission, worker):
    claim_one(worker)

    backup.release_interrupted_runs()

    assert reload(submission).state == State.QUEUED
    assert (Attempt.objects.get().exit, Attempt.objects.get().counted) == (Exit.DRAINED, False)
    assert not Worker.objects.filter(stopped_at=None).exists()


def test_a_run_that_ends_meanwhile_does_not_abort_the_clean_up(submission, worker, monkeypatch):
    attempt, give_back = claim_one(worker), leases.release

    def too_late(*given: Any, **more: Any) -> None:
        leases.record_score(attempt, result_of(350))
        give_back(*given, **more)

    monkeypatch.setattr(leases, "release", too_late)
    backup.release_interrupted_runs()

    assert reload(submission).state == State.SCORED
    assert not Worker.objects.filter(stopped_at=None).exists()
