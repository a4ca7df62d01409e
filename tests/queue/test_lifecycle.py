"""The life cycle: which moves there are, and that of two who move one submission only one does."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from submissions.intake import reruns
from submissions.models import Event, Exit, Score, State, Submission
from submissions.quests.refusal import Refused
from submissions.queue import leases, lifecycle
from tests.cast import claim_one, reload, result_of


def kinds(submission):
    return list(submission.events.values_list("kind", flat=True))


def test_a_scored_run_leaves_its_whole_history(submission, worker):
    leases.record_score(claim_one(worker), result_of(350))

    submission = reload(submission)
    assert (submission.state, submission.correct, submission.total) == (State.SCORED, 350, 360)
    assert submission.accuracy == pytest.approx(350 / 360)
    assert submission.lease is None
    assert kinds(submission) == ["submitted", "claimed", "scored"]
    attempt = submission.last_attempt
    assert (attempt.exit, attempt.train_s, attempt.engine_version) == (Exit.SCORED, 1.5, "scikit-learn 1.9.1")
    assert attempt.energy_method == "none"
    assert attempt.energy_joules is None


def test_a_second_finish_of_the_same_run_writes_nothing(submission, worker):
    attempt = claim_one(worker)
    leases.record_score(attempt, result_of(350))

    with pytest.raises(lifecycle.MoveRefused):
        leases.record_score(attempt, result_of(12))

    assert Score.objects.get().correct == 350
    assert reload(submission).correct == 350


def test_a_worker_whose_lease_was_given_to_another_writes_nothing(submission, worker):
    late = claim_one(worker)
    leases.release(late, Exit.LOST, reason="not heard from")
    current = claim_one(worker)

    assert not leases.renew(late)
    for write in (
        lambda: leases.record_score(late, result_of(1)),
        lambda: leases.fail(late, reason="late"),
        lambda: leases.release(late, Exit.DRAINED, reason="late"),
        lambda: leases.record_cancelled(late),
    ):
        with pytest.raises(lifecycle.MoveRefused):
            write()
    leases.record_score(current, result_of(350))

    assert Score.objects.get().attempt == current
    assert reload(submission).correct == 350


@pytest.mark.parametrize("state", sorted(lifecycle.TERMINAL))
def test_a_submission_that_has_ended_never_moves_again(submission, worker, state):
    lasting = {"correct": 1, "total": 2} if state == State.SCORED else {}
    Submission.objects.filter(pk=submission.pk).update(state=state, **lasting)

    for to in State:
        with pytest.raises(lifecycle.MoveRefused):
            lifecycle.move(reload(submission), to, kind=Event.Kind.CLAIMED, actor="nobody")

    assert reload(submission).state == state


def test_a_refused_move_leaves_no_event(submission):
    stale = reload(submission)
    Submission.objects.filter(pk=submission.pk).update(state=State.CANCELLED)

    with pytest.raises(lifecycle.MoveRefused):
        lifecycle.move(stale, State.CANCELLED, kind=Event.Kind.CANCELLED, actor="nobody")

    assert kinds(submission) == ["submitted"]


def test_cancelling_a_queued_submission_ends_it_and_refunds_it(submission, owner):
    assert lifecycle.cancel(submission, user=owner) == State.CANCELLED

    assert reload(submission).refunded
    assert kinds(submission) == ["submitted", "cancelled"]


def test_cancelling_a_running_submission_asks_its_worker(submission, owner, worker):
    attempt = claim_one(worker)

    assert lifecycle.cancel(submission, user=owner) == State.RUNNING
    assert lifecycle.cancel(submission, user=owner) == State.RUNNING
    assert leases.stop_request(attempt) == leases.StopRequest.CANCEL
    leases.record_cancelled(attempt)

    assert reload(submission).state == State.CANCELLED
    assert kinds(submission) == ["submitted", "claimed", "cancel_asked", "cancelled"]


def test_an_ended_submission_cannot_be_cancelled(submission, owner, worker):
    leases.record_score(claim_one(worker), result_of(350))

    with pytest.raises(lifecycle.MoveRefused, match="already ended"):
        lifecycle.cancel(submission, user=owner)


def test_a_lost_worker_counts_three_times_and_then_it_is_given_up_and_refunded(submission, worker):
    for _ in range(2):
        assert leases.release(claim_one(worker), Exit.LOST, reason="Lost.") == State.QUEUED
    assert leases.release(claim_one(worker), Exit.LOST, reason="Lost.") == State.FAILED

    submission = reload(submission)
    assert submission.refunded
    assert "no fault of yours" in submission.reason
    assert [attempt.number for attempt in submission.attempts.all()] == [1, 2, 3]


def test_out_of_memory_is_tried_twice(submission, worker):
    assert leases.release(claim_one(worker), Exit.OUT_OF_MEMORY, reason="Too big.") == State.QUEUED
    assert leases.release(claim_one(worker), Exit.OUT_OF_MEMORY, reason="Too big.") == State.FAILED

    assert "too much memory" in reload(submission).reason


def test_a_drained_worker_does_not_count(submission, worker):
    for _ in range(5):
        assert leases.release(claim_one(worker), Exit.DRAINED, reason="Shut down.") == State.QUEUED

    assert not submission.attempts.filter(counted=True).exists()


def test_a_run_given_back_after_its_cancel_was_asked_for_is_cancelled(submission, owner, worker):
    attempt = claim_one(worker)
    lifecycle.cancel(submission, user=owner)

    assert leases.release(attempt, Exit.LOST, reason="Lost.") == State.CANCELLED


@pytest.mark.parametrize(("exit_", "refunded"), [(Exit.LOST, True), (Exit.DRAINED, False)])
def test_a_cancelled_run_is_refunded_where_its_worker_was_lost(submission, owner, worker, exit_, refunded):
    attempt = claim_one(worker)
    lifecycle.cancel(submission, user=owner)

    leases.release(attempt, exit_, reason="Gone.")

    submission = reload(submission)
    assert (submission.state, submission.refunded) == (State.CANCELLED, refunded)


def test_a_cancel_that_comes_as_a_run_is_given_back_is_not_forgotten(submission, owner, worker, monkeypatch):
    """It comes when the lock is about to be taken: what was looked at before that is old."""
    attempt, lock = claim_one(worker), leases.writing

    def cancelled_before():
        monkeypatch.setattr(leases, "writing", lock)
        lifecycle.cancel(reload(submission), user=owner)
        return lock()

    monkeypatch.setattr(leases, "writing", cancelled_before)

    assert leases.release(attempt, Exit.DRAINED, reason="Shut down.") == State.CANCELLED


def test_after_an_outage_the_holder_of_a_lease_may_renew_it_first(submit, worker, settings):
    overdue, lost = submit(), submit()
    settings.LEASE_SECONDS = -1
    holder, _silent = claim_one(worker), claim_one(worker)
    settings.LEASE_SECONDS = 60

    assert leases.extend_all() == 2
    assert leases.expire() == 0
    assert leases.renew(holder)
    Submission.objects.exclude(pk=holder.submission_id).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert leases.expire() == 1
    assert {reload(overdue).state, reload(lost).state} == {State.RUNNING, State.QUEUED}


def test_a_lease_that_ran_out_is_given_back_and_one_that_was_renewed_is_not(submit, worker, settings):
    overdue, fresh = submit(), submit()
    settings.LEASE_SECONDS = -1
    claim_one(worker)
    settings.LEASE_SECONDS = 60
    claim_one(worker)

    assert leases.expire() == 1

    assert reload(overdue).state == State.QUEUED
    assert reload(fresh).state == State.RUNNING
    assert kinds(overdue) == ["submitted", "claimed", "requeued"]


def test_an_error_in_training_is_final_and_keeps_its_traceback(submission, worker):
    leases.fail(claim_one(worker), reason="ValueError: no", traceback="Traceback …", output="said")

    submission = reload(submission)
    assert (submission.state, submission.reason) == (State.FAILED, "ValueError: no")
    assert submission.last_attempt.traceback == "Traceback …"
    assert not submission.refunded


def test_a_rerun_is_a_new_submission_that_keeps_the_first_ones_time(submission, worker, instructor, score):
    score(submission, 350)

    again = reruns.rerun(reload(submission), user=instructor, reason="The fan had failed.")

    assert again.state == State.QUEUED
    assert again.rerun_of_id == submission.pk
    assert again.ranked_at == reload(submission).ranked_at
    assert (again.spec, again.seed) == (submission.spec, submission.seed)
    assert again.events.get().reason == "The fan had failed."


def test_a_running_submission_cannot_be_rerun(submission, instructor):
    with pytest.raises(Refused, match="not ended"):
        reruns.rerun(submission, user=instructor)


@pytest.mark.parametrize(
    "impossible",
    [
        {"state": State.RUNNING},
        {"state": State.SCORED},
        {"correct": 3, "total": 5},
        {"state": State.SCORED, "correct": 6, "total": 5},
        {"state": "thinking"},
        {"device": "abacus"},
        {"group": None},
    ],
)
def test_the_database_refuses_an_inconsistent_row(submission, impossible):
    with pytest.raises(IntegrityError), transaction.atomic():
        Submission.objects.filter(pk=submission.pk).update(**impossible)


def test_the_database_refuses_a_second_score(submission, score):
    first = score(submission, 350).score

    with pytest.raises(IntegrityError), transaction.atomic():
        Score.objects.create(submission=submission, attempt=first.attempt, correct=1, total=2)


def test_the_database_refuses_more_correct_answers_than_questions(submission, worker):
    attempt = claim_one(worker)

    with pytest.raises(IntegrityError), transaction.atomic():
        Score.objects.create(submission=submission, attempt=attempt, correct=3, total=2)
