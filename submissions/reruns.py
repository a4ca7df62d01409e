"""Running a submission again, and which of the two counts."""

from __future__ import annotations

from submissions.intake import refuse
from submissions.locks import writing
from submissions.models import Device, Event, State, Submission, User
from submissions.moves import record
from submissions.wakeups import QUEUES, wake

_COPIED = ["quest", "group", "submitter", "out_of_competition", "family", "spec", "notation", "headline"]
_COPIED += ["parameters", "device", "engine", "seed", "ranked_at"]


def rerun(submission: Submission, *, user: User, reason: str = "") -> Submission:
    """Queue the same spec again, free of quota, with the first one's time for deadline and ties.

    Where the first one was scored it goes on counting, until `choose` says otherwise.
    """
    if submission.is_live:
        raise refuse("submission", "It has not ended yet: only an ended submission can be run again.", status=409)
    with writing():
        again = Submission.objects.create(
            rerun_of=submission,
            counts=submission.counts and submission.state != State.SCORED,
            **{name: getattr(submission, name) for name in _COPIED},
        )
        record(again, Event.Kind.RERUN, actor=user.display_name, user=user, reason=reason)
        wake(QUEUES[Device(again.device)])
    return again


def runs_of(submission: Submission) -> list[Submission]:
    """The first run and every re-run of what `submission` belongs to, the oldest first."""
    first = submission
    while first.rerun_of is not None:
        first = first.rerun_of
    runs, latest = [first], [first]
    while latest:
        latest = list(Submission.objects.filter(rerun_of__in=latest).order_by("id"))
        runs += latest
    return runs


def choose(submission: Submission, *, user: User, reason: str) -> None:
    """Let this run count, and none of the others of the same submission; each one's history says so."""
    if submission.state != State.SCORED:
        raise refuse("submission", "Only a run that was scored can count.", status=409)
    if not reason.strip():
        raise refuse("reason", "Say why: the group reads it.")
    with writing():
        for run in runs_of(submission):
            counts = run.pk == submission.pk
            if Submission.objects.filter(pk=run.pk, counts=not counts).update(counts=counts):
                kind = Event.Kind.COUNTS if counts else Event.Kind.COUNTS_NOT
                record(run, kind, actor=user.display_name, user=user, reason=reason)
