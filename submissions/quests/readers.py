"""Who may open a submission's page, and which parts of it they see."""

from __future__ import annotations

from dataclasses import dataclass

from submissions.models import State, Submission, User
from submissions.models.submission import SubmissionQuerySet
from submissions.quests.visibility import Visibility, visibility_for


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A submission as one reader sees it.

    Its group, its submitter and instructors have `full_access`. Others, where the quest shows models, see only results
    that they could get by submitting the model themselves: score, errors, insight, times, hardware and configuration.
    They do not see the note, the submitter, the history or the attempts.
    """

    submission: Submission
    visibility: Visibility
    full_access: bool

    @property
    def group_name(self) -> str:
        return self.visibility.name(self.submission.group)

    @property
    def group_is_hidden(self) -> bool:
        group = self.submission.group
        return group is not None and self.visibility.hides_name(group)


def submission_view(pk: int, user: User) -> SubmissionView | None:
    """The submission as `user` may see it; None if they may not see it at all."""
    rows = Submission.objects.select_related("quest__course", "group", "submitter", "score", "rerun_of")
    submission = rows.filter(pk=pk).first()
    if submission is None:
        return None
    visibility = visibility_for(submission.quest, user)
    full_access = Submission.objects.visible_to(user).filter(pk=pk).exists()
    if not (full_access or _is_public(submission, visibility)):
        return None
    return SubmissionView(submission, visibility, full_access)


def _is_public(submission: Submission, visibility: Visibility) -> bool:
    return visibility.shows_model(submission) and public_submissions(visibility).filter(pk=submission.pk).exists()


def public_submissions(visibility: Visibility) -> SubmissionQuerySet:
    """The submissions that are, or were, on the quest's board for this reader."""
    return Submission.objects.filter(visibility.known(), quest=visibility.quest, state=State.SCORED).competing()
