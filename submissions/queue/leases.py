"""What the holder of a lease may do – and what happens to a lease that ran out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db.models import Q, Value
from django.db.models.functions import Now

from submissions.database import clock
from submissions.database.write_lock import writing
from submissions.models import Attempt, Event, Exit, Insight, Score, State, Submission
from submissions.queue.claims import lease_end
from submissions.queue.lifecycle import MoveRefused, move
from submissions.queue.worker_duty import drained

MOST_ATTEMPTS = 3
MOST_OUT_OF_MEMORY = 2
REAPER = "the reaper"
SPARED_SECONDS = 2  # beyond a heartbeat: a worker that lost its connection looks for another one each second

_COUNTED = {Exit.CRASHED, Exit.LOST, Exit.OUT_OF_MEMORY}
_TIMING = ("startup_s", "data_load_s", "preprocess_s", "first_step_s", "train_s", "predict_s", "total_s", "cpu_s")
_MEMORY_AND_CORES = ("peak_memory_bytes", "threads_asked", "threads_used", "load_average", "contended")
_PLAIN = (*_MEMORY_AND_CORES, "seed", "engine_version", "stock_predicted_s", "output")
_FULL = {"data_checksum": "", "versions": {}, "epochs": []}


class StopRequest(StrEnum):
    """Why a run should stop; of two requests the first one here counts."""

    CANCEL = "cancel"
    DRAIN = "drain"


def _holding(attempt: Attempt, *, lock: bool = False) -> Submission:
    """The submission as the holder of this lease sees it: the row's WHERE decides whether it still holds it."""
    rows = Submission.objects.select_for_update(of=("self",)) if lock else Submission.objects
    submission = rows.select_related("quest").get(pk=attempt.submission_id)
    submission.state, submission.lease = State.RUNNING, attempt.lease
    return submission


def renew(attempt: Attempt) -> bool:
    """Renew the lease. False: it is no longer ours, so the trainer must go and nothing may be written."""
    with writing():
        ours = Submission.objects.filter(pk=attempt.submission_id, lease=attempt.lease)
        return bool(ours.update(lease_until=lease_end()))


def stop_request(attempt: Attempt) -> StopRequest | None:
    """Why the run should stop, in one query: every run asks it twice a second."""
    cancelled = Submission.objects.filter(pk=attempt.submission_id, lease=attempt.lease, cancel_asked=True)
    requests = (
        cancelled.order_by()
        .values_list(Value(StopRequest.CANCEL.value))
        .union(drained(attempt.worker).order_by().values_list(Value(StopRequest.DRAIN.value)))
    )
    found = {request for (request,) in requests}
    return next((request for request in StopRequest if request in found), None)


def note_progress(attempt: Attempt, progress: Mapping[str, Any], epochs: Sequence[Mapping[str, Any]]) -> None:
    """Keep the trainer's last word for the page that follows the run."""
    with writing():
        Attempt.objects.filter(pk=attempt.pk, ended_at=None).update(progress=dict(progress), epochs=list(epochs))


def _end(attempt: Attempt, exit_: Exit, *, counted: bool = False, reason: str = "", **fields: Any) -> None:
    now = clock.now()
    if fields.get("total_s") is None:
        fields["total_s"] = (now - attempt.started_at).total_seconds()
    Attempt.objects.filter(pk=attempt.pk, ended_at=None).update(
        ended_at=now, exit=exit_, counted=counted, reason=reason, **fields
    )


def measured(result: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an attempt that the trainer's result fills."""
    timing, energy = result.get("timing", {}), result.get("energy", {})
    return (
        {name: timing.get(name) for name in _TIMING}
        | {name: result[name] for name in _PLAIN if result.get(name) is not None}
        | {name: result.get(name) or empty for name, empty in _FULL.items()}
        | {"energy_joules": energy.get("joules"), "energy_method": energy.get("method", "none")}
    )


def record_score(attempt: Attempt, result: Mapping[str, Any]) -> None:
    """Score the submission. Raises MoveRefused, with nothing written, if the lease is no longer ours."""
    public, private = result["public"], result["private"]
    with writing():
        submission = _holding(attempt)
        move(
            submission,
            State.SCORED,
            kind=Event.Kind.SCORED,
            actor=attempt.worker.name,
            attempt=attempt,
            correct=public["correct"],
            total=public["total"],
        )
        Score.objects.create(
            submission=submission,
            attempt=attempt,
            correct=public["correct"],
            total=public["total"],
            private_correct=private["correct"],
            private_total=private["total"],
            errors=result["errors"],
        )
        if result.get("insight"):
            Insight.objects.create(submission=submission, data=result["insight"])
        _end(attempt, Exit.SCORED, **measured(result))


def fail(attempt: Attempt, *, reason: str, exit_: Exit = Exit.ERROR, traceback: str = "", output: str = "") -> None:
    """A Python error in training: final, since it would only happen again. A fault of ours, LOST, is refunded."""
    with writing():
        submission = _holding(attempt)
        move(
            submission,
            State.FAILED,
            kind=Event.Kind.FAILED,
            actor=attempt.worker.name,
            attempt=attempt,
            reason=reason,
            refunded=submission.refunded or exit_ == Exit.LOST,
        )
        _end(attempt, exit_, reason=reason, traceback=traceback, output=output)


def time_out(attempt: Attempt, *, output: str = "") -> None:
    submission = _holding(attempt)
    reason = (
        f"It was still running after {submission.quest.run_seconds:,} seconds, the quest's limit for one run, and was "
        "stopped. A smaller model, fewer epochs or a faster algorithm would fit."
    )
    with writing():
        move(
            submission,
            State.TIMED_OUT,
            kind=Event.Kind.TIMED_OUT,
            actor=attempt.worker.name,
            attempt=attempt,
            reason=reason,
        )
        _end(attempt, Exit.TIMED_OUT, reason=reason, output=output)


def record_cancelled(attempt: Attempt, *, output: str = "") -> None:
    """End a run whose cancel was asked for."""
    reason = "Cancelled while it ran."
    with writing():
        move(
            _holding(attempt),
            State.CANCELLED,
            kind=Event.Kind.CANCELLED,
            actor=attempt.worker.name,
            attempt=attempt,
            reason=reason,
        )
        _end(attempt, Exit.CANCELLED, reason=reason, output=output)


def release(
    attempt: Attempt,
    exit_: Exit,
    *,
    reason: str,
    actor: str = "",
    traceback: str = "",
    output: str = "",
    only_where: Q = Q(),
) -> State:
    """End an attempt that did not finish: back into the queue, or failed where it has had its tries.

    Lost workers and crashes count, at most three; out of memory at most two; a drained worker does not count.
    """
    counted = exit_ in _COUNTED
    with writing():
        # Looked at under the lock: a cancel in between would be asked of a run that is in the queue again.
        submission = _holding(attempt, lock=True)
        spent = _spent(submission, exit_) if counted else False
        lost = exit_ == Exit.LOST or submission.attempts.filter(exit=Exit.LOST).exists()
        to, kind = (State.FAILED, Event.Kind.FAILED) if spent else (State.QUEUED, Event.Kind.REQUEUED)
        if submission.cancel_asked:
            to, kind, reason = State.CANCELLED, Event.Kind.CANCELLED, "Cancelled while it ran."
        move(
            submission,
            to,
            kind=kind,
            actor=actor or attempt.worker.name,
            attempt=attempt,
            reason=_last_word(exit_, reason, lost=lost) if to == State.FAILED else reason,
            only_where=only_where,
            refunded=submission.refunded or (to != State.QUEUED and lost),
        )
        _end(attempt, exit_, counted=counted, reason=reason, traceback=traceback, output=output)
    return to


def _spent(submission: Submission, exit_: Exit) -> bool:
    """Whether the attempt that ends now with `exit_` was the last one allowed."""
    before = submission.attempts.filter(counted=True)
    if exit_ == Exit.OUT_OF_MEMORY and before.filter(exit=exit_).count() + 1 >= MOST_OUT_OF_MEMORY:
        return True
    return before.count() + 1 >= MOST_ATTEMPTS


def _last_word(exit_: Exit, reason: str, *, lost: bool) -> str:
    if lost and exit_ != Exit.LOST:
        return f"{reason} A worker failed it before that, so it does not count towards your quota."
    again = {
        Exit.OUT_OF_MEMORY: "It needed too much memory each time: try a smaller model.",
        Exit.CRASHED: "It crashed each time, so it was given up.",
        Exit.LOST: "Each time its worker failed it: no fault of yours, and it does not count towards your quota.",
    }
    return f"{reason} {again[exit_]}"


def extend_all() -> int:
    """Give the holders of all leases that are about to run out, or have, the time to renew them once; how many.

    For when the database, or whoever looks after it, was away: then silence says nothing about a worker.
    """
    chance = clock.ahead(settings.HEARTBEAT_SECONDS + SPARED_SECONDS)
    with writing():
        return Submission.objects.filter(state=State.RUNNING, lease_until__lt=chance).update(lease_until=chance)


def expire() -> int:
    """Give back every submission whose lease has run out, by the database's clock; how many there were."""
    overdue = Q(lease_until__lt=Now())
    running = Submission.objects.filter(overdue, state=State.RUNNING)
    expired = 0
    for attempt in Attempt.objects.select_related("worker").filter(ended_at=None, submission__in=running):
        try:
            release(
                attempt,
                Exit.LOST,
                reason="The worker was not heard from any more.",
                actor=REAPER,
                only_where=overdue,  # a heartbeat may have renewed it since we looked
            )
            expired += 1
        except MoveRefused:
            continue  # it came back, or ended, in between
    return expired
