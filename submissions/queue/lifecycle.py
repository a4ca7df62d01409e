"""The life cycle: which state may follow which, and the one guarded update that moves a submission."""

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
    """The submission was no longer where the move started from, or may not go there."""


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
    """Move `submission` from the state and lease it was read with, and write its event in the same transaction.

    Raises MoveRefused, with nothing written, if another got there first.
    """
    if to != State.RUNNING:
        changes |= {"lease": None, "lease_until": None}
    if to in TERMINAL:
        changes |= {"finished_at": clock.now(), "reason": reason}
    with writing():
        # Compare and set: the WHERE clause is the lock; of two workers only the lease's holder wins.
        unmoved = Submission.objects.filter(
            only_where, pk=submission.pk, state=submission.state, lease=submission.lease
        )
        if to not in MOVES.get(submission.state, ()) or not unmoved.update(state=to, **changes):
            raise MoveRefused(f"{submission} cannot become {to}")
        record(submission, kind, actor=actor, user=user, attempt=attempt, reason=reason)
        if to != State.RUNNING:
            _wake_where_work_waits(submission)


def _wake_where_work_waits(left: Submission) -> None:
    """A slot is free, or a group below its limit again: of which device its next one is for, nobody said."""
    waiting = Submission.objects.filter(state=State.QUEUED).order_by().values_list("device", flat=True).distinct()
    queues = {queue for device in waiting for queue in QUEUES[Device(device)]}
    if queues:
        wake(queues, times=slots_to_wake(left))


def record(
    submission: Submission,
    kind: Event.Kind,
    *,
    actor: str,
    user: User | None = None,
    attempt: Attempt | None = None,
    reason: str = "",
) -> Event:
    """Write one line of the submission's history; within the caller's transaction."""
    return Event.objects.create(
        submission=submission, at=clock.now(), kind=kind, actor=actor, user=user, attempt=attempt, reason=reason
    )


def cancel(submission: Submission, *, user: User, reason: str = "") -> State:
    """Cancel: at once while queued; while running the supervisor sees the flag within a second.

    Gives the state that it is in afterwards. Raises MoveRefused once it has ended.
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
