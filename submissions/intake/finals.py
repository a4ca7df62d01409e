"""Final submissions: the ones a group enters for the ranking by private score, chosen while the quest is open."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, F, IntegerField, Max, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.models import LIVE, Event, Group, Quest, State, Submission, User
from submissions.quests.quotas import closed_reason, is_open_for
from submissions.quests.refusal import refuse
from submissions.queue.lifecycle import record

MAY_BE_FINAL = (*LIVE, State.SCORED)


def ranked(quest: Quest) -> QuerySet[Submission]:
    """The scored submissions that are ranked; only exclusive runs where the board needs these."""
    rows = Submission.objects.filter(quest=quest).scored().competing()
    return rows.filter(score__attempt__exclusive=True) if quest.board_needs_exclusive else rows


def finals(quest: Quest) -> QuerySet[Submission]:
    """Each group's entries at the reveal: its scored finals, or else its best by public score."""
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
    """The group's marked finals, oldest first, without runs that failed or no longer count."""
    rows = Submission.objects.filter(quest=quest, group=group, final=True, state__in=MAY_BE_FINAL)
    return rows.competing().order_by("pk")


@dataclass(frozen=True, slots=True)
class Offer:
    """The mark offered on a submission's page: the group has used `used` of `of` marks, this one included."""

    used: int
    of: int

    @property
    def left(self) -> int:
        return max(0, self.of - self.used)


def offer(submission: Submission, user: User) -> Offer | None:
    """The offer to `user`; None if they may not mark the submission as final."""
    if _refusal_reason(submission, user) or submission.group is None:
        return None
    return Offer(marked(submission.quest, submission.group).count(), submission.quest.final_runs)


def mark_final(submission: Submission, *, user: User, final: bool) -> None:
    """Set or clear the submission's final mark and record who did it. Raises Refused with the reason.

    Setting a mark that is already set changes nothing.
    """
    with writing():
        # Members of a group who mark at once wait here for each other: together they might exceed the quest's limit.
        list(Group.objects.select_for_update().filter(submissions=submission.pk))
        submission = Submission.objects.select_related("quest__course", "group").get(pk=submission.pk)
        if reason := _refusal_reason(submission, user):
            raise refuse("final", reason, status=409)
        if submission.final == final:
            return
        if final:
            _check_limit(submission)
        Submission.objects.filter(pk=submission.pk).update(final=final)
        kind = Event.Kind.FINAL if final else Event.Kind.NOT_FINAL
        record(submission, kind, actor=user.display_name, user=user)


def _refusal_reason(submission: Submission, user: User) -> str:
    """A sentence that says why `user` may not change the mark; empty if they may."""
    quest, group = submission.quest, submission.group
    if group is None or submission.out_of_competition:
        return _("It is out of competition, so it cannot be final.")
    if not group.memberships.filter(user=user).exists():
        return _("Only members of %(group)s can mark its finals.") % {"group": group}
    if not quest.private_share:
        words = _("%(quest)s has no private images: the best score counts, and nothing is marked as final.")
        return words % {"quest": quest}
    if not is_open_for(quest, group):
        return _("%(closed)s Finals are chosen while it is open.") % {"closed": closed_reason(quest, group)}
    if submission.state not in MAY_BE_FINAL:
        words = _("It has no score (%(state)s), so it cannot be final.")
        return words % {"state": submission.get_state_display()}
    if submission.disqualified:
        return _("It is disqualified, so it cannot be final.")
    if not submission.counts:
        return _("Another run of the same submission counts: mark that one.")
    return ""


def _check_limit(submission: Submission) -> None:
    quest, group = submission.quest, submission.group
    assert group is not None
    others = list(marked(quest, group).values_list("pk", flat=True))
    if len(others) >= quest.final_runs:
        words = _("In %(quest)s, a group may mark at most %(most)s. Yours are %(listed)s; unmark one first.")
        values = {"quest": quest, "most": quest.final_runs, "listed": ", ".join(map(str, others))}
        raise refuse("final", words % values, status=409)
