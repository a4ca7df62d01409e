"""Who may open the page of a submission, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass

from submissions.models import State, Submission, User
from submissions.models.submission import SubmissionQuerySet
from submissions.quests.visibility import Visibility, visibility_for


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A submission as one reader sees it.

    `whole` for its group, who submitted it, and instructors. Others read, where the quest shows models, what the model
    itself yields – score, errors, insight, times, hardware, configuration –, which they could find out by submitting it
    themselves; but neither note, nor who in the group it was, nor its history and attempts.
    """

    submission: Submission
    visibility: Visibility
    whole: bool

    @property
    def group_name(self) -> str:
        return self.visibility.name(self.submission.group)

    @property
    def group_is_hidden(self) -> bool:
        group = self.submission.group
        return group is not None and self.visibility.hides_name(group)


def submission_view(pk: int, user: User) -> SubmissionView | None:
    """The submission as `user` may see it; None where that is not at all."""
    rows = Submission.objects.select_related("quest__course", "group", "submitter", "score", "rerun_of")
    submission = rows.filter(pk=pk).first()
    if submission is None:
        return None
    seen = visibility_for(submission.quest, user)
    whole = Submission.objects.visible_to(user).filter(pk=pk).exists()
    return SubmissionView(submission, seen, whole) if whole or _is_open(submission, seen) else None


def _is_open(submission: Submission, seen: Visibility) -> bool:
    return seen.shows_model(submission) and open_to_others(seen).filter(pk=submission.pk).exists()


def open_to_others(seen: Visibility) -> SubmissionQuerySet:
    """The submissions of a quest that stand, or stood, on its board for this reader."""
    return Submission.objects.filter(seen.known(), quest=seen.quest, state=State.SCORED).competing()
