"""Final submissions: those that a group chooses, while the quest is open, for the private images to decide between."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, F, IntegerField, Max, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.models import LIVE, Event, Group, Quest, State, Submission, User
from submissions.quests.quotas import closed_because, is_open_for
from submissions.quests.refusal import refuse
from submissions.queue.lifecycle import record

MAY_BE_FINAL = (*LIVE, State.SCORED)


def ranked(quest: Quest) -> QuerySet[Submission]:
    """The scores that compete for a place; where the board needs exclusive runs, of those alone."""
    rows = Submission.objects.filter(quest=quest).scored().competing()
    return rows.filter(score__attempt__exclusive=True) if quest.board_needs_exclusive else rows


def finals(quest: Quest) -> QuerySet[Submission]:
    """What each group stands by at the reveal: its scored finals; of one without any, its best by public score."""
    a_final = Case(When(final=True, then=Value(1)), default=Value(0), output_field=IntegerField())
    by_public = [F("correct").desc(), F("ranked_at").asc(), F("pk").asc()]
    return (
        ranked(quest)
        .annotate(
            chosen=Window(Max(a_final), partition_by=F("group")),
            place=Window(RowNumber(), partition_by=F("group"), order_by=by_public),
        )
        .filter(Q(final=True) | Q(chosen=0, place=1))
    )


def marked(quest: Quest, group: Group) -> QuerySet[Submission]:
    """What the group has marked, the oldest first: a run that failed or no longer counts takes up no place."""
    rows = Submission.objects.filter(quest=quest, group=group, final=True, state__in=MAY_BE_FINAL)
    return rows.competing().order_by("pk")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person is offered on the page of a submission: `used` of `of` marks are set, this one's included."""

    used: int
    of: int

    @property
    def left(self) -> int:
        return max(0, self.of - self.used)


def offer(submission: Submission, user: User) -> Offer | None:
    """What to offer; None where the mark means nothing, the group is not this person's, or it is too late."""
    if _against(submission, user) or submission.group is None:
        return None
    return Offer(marked(submission.quest, submission.group).count(), submission.quest.final_runs)


def mark_final(submission: Submission, *, user: User, final: bool) -> None:
    """Mark the submission as final, or no longer; its history says who did. Raises Refused, saying why.

    Marked twice, it is marked once.
    """
    with writing():
        # Whoever marks for the same group waits here: two at once might pass the quest's number of finals.
        list(Group.objects.select_for_update().filter(submissions=submission.pk))
        submission = Submission.objects.select_related("quest__course", "group").get(pk=submission.pk)
        if reason := _against(submission, user):
            raise refuse("final", reason, status=409)
        if submission.final == final:
            return
        if final:
            _check_place(submission)
        Submission.objects.filter(pk=submission.pk).update(final=final)
        kind = Event.Kind.FINAL if final else Event.Kind.NOT_FINAL
        record(submission, kind, actor=user.display_name, user=user)


def _against(submission: Submission, user: User) -> str:
    """Why this person may neither mark nor unmark it; empty where they may."""
    quest, group = submission.quest, submission.group
    if group is None or submission.out_of_competition:
        return _("It is out of competition: only what a group competes with can be final.")
    if not group.memberships.filter(user=user).exists():
        return _("Only %(group)s itself chooses its finals.") % {"group": group}
    if not quest.private_share:
        words = _("%(quest)s keeps no images back: the best score counts by itself, and none is marked.")
        return words % {"quest": quest}
    if not is_open_for(quest, group):
        return _("%(closed)s Finals are chosen while it is open.") % {"closed": closed_because(quest, group)}
    if submission.state not in MAY_BE_FINAL:
        words = _("It has no score (%(state)s), so it cannot be final.")
        return words % {"state": submission.get_state_display()}
    if submission.disqualified:
        return _("It is disqualified, so it cannot be final.")
    if not submission.counts:
        return _("Another run of the same submission counts: mark that one.")
    return ""


def _check_place(submission: Submission) -> None:
    quest, group = submission.quest, submission.group
    assert group is not None
    others = list(marked(quest, group).values_list("pk", flat=True))
    if len(others) >= quest.final_runs:
        words = _("%(quest)s lets a group mark %(most)s at most, and yours are %(listed)s: unmark one first.")
        told = {"quest": quest, "most": quest.final_runs, "listed": ", ".join(map(str, others))}
        raise refuse("final", words % told, status=409)
