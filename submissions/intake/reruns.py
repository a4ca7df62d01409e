"""Re-runs of a submission, and the choice of the run that counts."""

from __future__ import annotations

from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.models import Device, Event, State, Submission, User
from submissions.quests.refusal import check_not_archived, refuse
from submissions.queue.lifecycle import record
from submissions.queue.wakeups import QUEUES, wake

_COPIED_FIELDS = ["quest", "group", "submitter", "out_of_competition", "family", "spec", "notation", "headline"]
_COPIED_FIELDS += ["parameters", "device", "engine", "seed", "ranked_at"]


def rerun(submission: Submission, *, user: User, reason: str = "") -> Submission:
    """Queue the same spec again without using quota; the original's time counts for deadline and ties.

    A scored run that counts keeps counting until `choose` selects another.
    """
    with writing():
        # Two re-runs of the same submission wait here for each other: otherwise both might count.
        Submission.objects.select_for_update().get(pk=first_of(submission).pk)
        check_not_archived(submission.quest)
        runs = runs_of(submission)
        _check_ended(submission, runs)
        counts = not any(run.counts and run.state == State.SCORED for run in runs)
        again = Submission.objects.create(
            rerun_of=submission,
            counts=counts,
            # The final mark follows the run that counts.
            final=counts and any(run.final for run in runs),
            **{name: getattr(submission, name) for name in _COPIED_FIELDS},
        )
        record(again, Event.Kind.RERUN, actor=user.display_name, user=user, reason=reason)
        wake(QUEUES[Device(again.device)])
    return again


def _check_ended(submission: Submission, runs: list[Submission]) -> None:
    for run in runs:
        if run.is_live and run.pk == submission.pk:
            raise refuse("submission", _("It has not ended yet. Only an ended submission can be re-run."), status=409)
        if run.is_live:
            words = _("It is already being re-run as submission %(id)s.")
            raise refuse("submission", words % {"id": run.pk}, status=409)


def first_of(submission: Submission) -> Submission:
    """The original run of `submission`, which may be the submission itself."""
    first = submission
    while first.rerun_of is not None:
        first = first.rerun_of
    return first


def runs_of(submission: Submission) -> list[Submission]:
    """The original run of `submission` and all its re-runs, oldest first."""
    first = first_of(submission)
    runs, latest = [first], [first]
    while latest:
        latest = list(Submission.objects.filter(rerun_of__in=latest).order_by("id"))
        runs += latest
    return runs


def choose(submission: Submission, *, user: User, reason: str) -> None:
    """Make this run the one that counts; the history of each changed run says so."""
    if submission.state != State.SCORED:
        raise refuse("submission", _("Only a run that was scored can count."), status=409)
    if not reason.strip():
        raise refuse("reason", _("Give a reason; the group can read it."))
    with writing():
        check_not_archived(submission.quest)
        runs = runs_of(submission)
        final = any(run.final for run in runs)
        for run in runs:
            counts = run.pk == submission.pk
            Submission.objects.filter(pk=run.pk).update(final=final and counts)
            if Submission.objects.filter(pk=run.pk, counts=not counts).update(counts=counts):
                kind = Event.Kind.COUNTS if counts else Event.Kind.COUNTS_NOT
                record(run, kind, actor=user.display_name, user=user, reason=reason)
