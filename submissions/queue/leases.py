"""Leases: what a worker may do while it holds one, and how an expired lease is released."""

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

MAX_ATTEMPTS = 3
MAX_OUT_OF_MEMORY = 2
REAPER = "the reaper"
GRACE_SECONDS = 2  # beyond a heartbeat: a worker that lost its connection tries to reconnect each second

_COUNTED_EXITS = {Exit.CRASHED, Exit.LOST, Exit.OUT_OF_MEMORY}
_TIMING_FIELDS = (
    "startup_s",
    "data_load_s",
    "preprocess_s",
    "first_step_s",
    "train_s",
    "predict_s",
    "total_s",
    "cpu_s",
)
_RESOURCE_FIELDS = ("peak_memory_bytes", "threads_asked", "threads_used", "load_average", "contended")
_OPTIONAL_FIELDS = (*_RESOURCE_FIELDS, "seed", "engine_version", "stock_predicted_s", "output")
_DEFAULTS = {"data_checksum": "", "versions": {}, "epochs": []}


class StopRequest(StrEnum):
    """Why a run should stop; of two requests the first one here counts."""

    CANCEL = "cancel"
    DRAIN = "drain"


def _held_submission(attempt: Attempt, *, lock: bool = False) -> Submission:
    """The submission as if this attempt still held its lease; the WHERE clause of `move` checks that it does."""
    rows = Submission.objects.select_for_update(of=("self",)) if lock else Submission.objects
    submission = rows.select_related("quest").get(pk=attempt.submission_id)
    submission.state, submission.lease = State.RUNNING, attempt.lease
    return submission


def renew(attempt: Attempt) -> bool:
    """Renew the lease. False if it is no longer ours: then the trainer must stop and nothing may be written."""
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
    """Save the trainer's latest progress for the page that shows the run."""
    with writing():
        Attempt.objects.filter(pk=attempt.pk, ended_at=None).update(progress=dict(progress), epochs=list(epochs))


def _end(attempt: Attempt, exit_: Exit, *, counted: bool = False, reason: str = "", **fields: Any) -> None:
    now = clock.now()
    if fields.get("total_s") is None:
        fields["total_s"] = (now - attempt.started_at).total_seconds()
    Attempt.objects.filter(pk=attempt.pk, ended_at=None).update(
        ended_at=now, exit=exit_, counted=counted, reason=reason, **fields
    )


def measurements(result: Mapping[str, Any]) -> dict[str, Any]:
    """The attempt's columns that come from the trainer's result."""
    timing, energy = result.get("timing", {}), result.get("energy", {})
    return (
        {name: timing.get(name) for name in _TIMING_FIELDS}
        | {name: result[name] for name in _OPTIONAL_FIELDS if result.get(name) is not None}
        | {name: result.get(name) or empty for name, empty in _DEFAULTS.items()}
        | {"energy_joules": energy.get("joules"), "energy_method": energy.get("method", "none")}
    )


def record_score(attempt: Attempt, result: Mapping[str, Any]) -> None:
    """Score the submission. Raises MoveRefused, with nothing written, if the lease is no longer ours."""
    public, private = result["public"], result["private"]
    with writing():
        submission = _held_submission(attempt)
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
        _end(attempt, Exit.SCORED, **measurements(result))


def fail(attempt: Attempt, *, reason: str, exit_: Exit = Exit.ERROR, traceback: str = "", output: str = "") -> None:
    """Fail the submission for good, since a Python error would only recur. LOST, a fault of ours, is refunded."""
    with writing():
        submission = _held_submission(attempt)
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
    """End a run that reached its quest's time limit."""
    submission = _held_submission(attempt)
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
    """End a run that somebody asked to cancel."""
    reason = "Cancelled while it ran."
    with writing():
        move(
            _held_submission(attempt),
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
    """End an attempt that did not finish. Its submission is queued again, or fails once its attempts are used up.

    Lost workers and crashes count towards at most three attempts, out of memory towards at most two. A drained worker
    does not count.
    """
    counted = exit_ in _COUNTED_EXITS
    with writing():
        # Read under the lock. Otherwise: (1) we read that no cancel was asked; (2) a member cancels, which sets the
        # flag on a running submission; (3) we queue it again, and the cancel is lost.
        submission = _held_submission(attempt, lock=True)
        used_up = _is_last_attempt(submission, exit_) if counted else False
        lost = exit_ == Exit.LOST or submission.attempts.filter(exit=Exit.LOST).exists()
        to, kind = (State.FAILED, Event.Kind.FAILED) if used_up else (State.QUEUED, Event.Kind.REQUEUED)
        if submission.cancel_asked:
            to, kind, reason = State.CANCELLED, Event.Kind.CANCELLED, "Cancelled while it ran."
        move(
            submission,
            to,
            kind=kind,
            actor=actor or attempt.worker.name,
            attempt=attempt,
            reason=_final_reason(exit_, reason, lost=lost) if to == State.FAILED else reason,
            only_where=only_where,
            refunded=submission.refunded or (to != State.QUEUED and lost),
        )
        _end(attempt, exit_, counted=counted, reason=reason, traceback=traceback, output=output)
    return to


def _is_last_attempt(submission: Submission, exit_: Exit) -> bool:
    """Whether the attempt that now ends with `exit_` was the last one allowed."""
    before = submission.attempts.filter(counted=True)
    if exit_ == Exit.OUT_OF_MEMORY and before.filter(exit=exit_).count() + 1 >= MAX_OUT_OF_MEMORY:
        return True
    return before.count() + 1 >= MAX_ATTEMPTS


def _final_reason(exit_: Exit, reason: str, *, lost: bool) -> str:
    if lost and exit_ != Exit.LOST:
        return f"{reason} A worker failed it before that, so it does not count towards your quota."
    advice = {
        Exit.OUT_OF_MEMORY: "It needed too much memory each time: try a smaller model.",
        Exit.CRASHED: "It crashed each time, so it was given up.",
        Exit.LOST: "Each time its worker failed it: no fault of yours, and it does not count towards your quota.",
    }
    return f"{reason} {advice[exit_]}"


def extend_all() -> int:
    """Extend all leases that have expired or are about to, so that their holders can renew them; returns how many.

    For use after an outage of the database or of the upkeep worker, when missing heartbeats say nothing about a worker.
    """
    until = clock.ahead(settings.HEARTBEAT_SECONDS + GRACE_SECONDS)
    with writing():
        return Submission.objects.filter(state=State.RUNNING, lease_until__lt=until).update(lease_until=until)


def expire() -> int:
    """Release every submission with an expired lease, by the database's clock; returns how many."""
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
                only_where=overdue,  # a heartbeat may have renewed it after we read it
            )
            expired += 1
        except MoveRefused:
            continue  # it was renewed, or ended, in between
    return expired
