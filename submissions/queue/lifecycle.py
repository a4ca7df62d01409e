"""A submission's states: which may follow which, and the one guarded update that changes them."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from submissions.database import clock
from submissions.database.write_lock import writing
from submissions.models import Attempt, Device, Event, Exit, State, Submission, User
from submissions.queue.exclusive_hosts import slots_to_wake
from submissions.queue.wakeups import QUEUES, wake

MOVES: dict[str, frozenset[str]] = {
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED}),
    State.RUNNING: frozenset({State.SCORED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.QUEUED}),
}
TERMINAL = frozenset(State.values) - frozenset(MOVES)


class MoveRefused(Exception):
    """The submission has left the state or lease it was read with, or may not enter the new state."""


def move(
    submission: Submission,
    to: State,
    *,
    kind: Event.Kind,
    actor: str,
    user: User | None = None,
    attempt: Attempt | None = None,
    reason: str = "",
    only_where: Q = Q(),
    **changes: object,
) -> None:
    """Move `submission` from the state and lease it was read with, and record the event in the same transaction.

    Raises MoveRefused, with nothing written, if another process moved it first.
    """
    if to != State.RUNNING:
        changes |= {"lease": None, "lease_until": None}
    if to in TERMINAL:
        changes |= {"finished_at": clock.now(), "reason": reason}
    with writing():
        # Compare and set: the WHERE clause is the lock. If two workers try, only the holder of the lease succeeds.
        unmoved = Submission.objects.filter(
            only_where, pk=submission.pk, state=submission.state, lease=submission.lease
        )
        if to not in MOVES.get(submission.state, ()) or not unmoved.update(state=to, **changes):
            raise MoveRefused(f"{submission} cannot become {to}")
        record(submission, kind, actor=actor, user=user, attempt=attempt, reason=reason)
        if to != State.RUNNING:
            _wake_workers(submission)


def _wake_workers(moved: Submission) -> None:
    """Wake every queue in which submissions wait: the next one for the free slot may be for any device."""
    waiting = Submission.objects.filter(state=State.QUEUED).order_by().values_list("device", flat=True).distinct()
    queues = {queue for device in waiting for queue in QUEUES[Device(device)]}
    if queues:
        wake(queues, times=slots_to_wake(moved))


def record(
    submission: Submission,
    kind: Event.Kind,
    *,
    actor: str,
    user: User | None = None,
    attempt: Attempt | None = None,
    reason: str = "",
) -> Event:
    """Add one line to the submission's history, within the caller's transaction."""
    return Event.objects.create(
        submission=submission, at=clock.now(), kind=kind, actor=actor, user=user, attempt=attempt, reason=reason
    )


def cancel(submission: Submission, *, user: User, reason: str = "") -> State:
    """Cancel the submission: at once while queued; while running, its supervisor sees the flag within a second.

    Returns the state afterwards. Raises MoveRefused if the submission has ended.
    """
    with writing():
        submission = Submission.objects.select_for_update().get(pk=submission.pk)
        if submission.state == State.QUEUED:
            move(
                submission,
                State.CANCELLED,
                kind=Event.Kind.CANCELLED,
                actor=user.display_name,
                user=user,
                reason=reason or "Cancelled before it ran.",
                refunded=not submission.attempts.exclude(exit__in=(Exit.LOST, Exit.DRAINED)).exists(),
            )
            return State.CANCELLED
        if submission.state != State.RUNNING:
            words = _("This submission has already ended (%(state)s).")
            raise MoveRefused(words % {"state": State(submission.state).label})
        if not submission.cancel_asked:
            Submission.objects.filter(pk=submission.pk, lease=submission.lease).update(cancel_asked=True)
            record(submission, Event.Kind.CANCEL_ASKED, actor=user.display_name, user=user, reason=reason)
        return State.RUNNING
