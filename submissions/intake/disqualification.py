"""Disqualifying and reinstating submissions, with a reason that the group can read."""

from __future__ import annotations

from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.models import Event, Submission, User
from submissions.quests.refusal import check_not_archived, refuse
from submissions.queue.lifecycle import record


def disqualify(submission: Submission, *, user: User, reason: str) -> None:
    """Take the submission off the board, the feed and the final scores. It keeps its result; its history says why."""
    if submission.out_of_competition:
        raise refuse("submission", _("It is out of competition: there is nothing to disqualify it from."), status=409)
    _decide(submission, True, Event.Kind.DISQUALIFIED, user=user, reason=reason)


def reinstate(submission: Submission, *, user: User, reason: str) -> None:
    """Undo the disqualification: the submission returns to its place on the board."""
    _decide(submission, False, Event.Kind.REINSTATED, user=user, reason=reason)


def _decide(submission: Submission, disqualified: bool, kind: Event.Kind, *, user: User, reason: str) -> None:
    if not reason.strip():
        raise refuse("reason", _("Give a reason; the group can read it."))
    with writing():
        check_not_archived(submission.quest)
        # Compare and set: if two instructors decide at once, one succeeds, and the history gets one line.
        undecided = Submission.objects.filter(pk=submission.pk, disqualified=not disqualified)
        if not undecided.update(disqualified=disqualified):
            raise refuse("submission", _("Somebody else has just done this."), status=409)
        record(submission, kind, actor=user.display_name, user=user, reason=reason.strip())
