"""The export for grading: a row for each student, also in groups that never submitted."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, QuerySet

from leaderboard.exports.tables import Record
from leaderboard.ranking import queries
from submissions.models import Membership, Quest, Submission, User
from submissions.quests.visibility import visibility_for

COLUMNS = (
    *("student_number", "name", "username", "group"),
    *("rank", "final_score", "provisional", "submissions", "own_submissions"),
)
CHUNK = 500  # rows held in memory at a time


def grades(quest: Quest, *, user: User) -> Iterator[Record]:
    """The students of the quest's course, sorted by group and name, with the ranking that `user` sees. Five queries.

    `final_score` is the score behind the group's rank, provisional until the reveal. `submissions` counts the group's
    submissions and `own_submissions` the student's, both without re-runs.
    """
    ranking = {row.group_id: row for row in queries.board(quest, visibility=visibility_for(quest, user))}
    by_group, by_student = _submission_counts(quest, "group"), _submission_counts(quest, "submitter")
    for member in _students(quest).iterator(chunk_size=CHUNK):
        row = ranking.get(member.group_id)
        yield {
            "student_number": member.user.student_number,
            "name": member.user.get_full_name(),
            "username": member.user.username,
            "group": member.group.name,
            "rank": row.rank if row else None,
            "final_score": row.ranked_score if row else None,
            "provisional": not quest.is_revealed,
            "submissions": by_group.get(member.group_id, 0),
            "own_submissions": by_student.get(member.user_id, 0),
        }


def _students(quest: Quest) -> QuerySet[Membership]:
    members = Membership.objects.filter(course=quest.course_id, user__is_staff=False)
    by_name = ("group__name", "user__last_name", "user__first_name", "user__username")
    return members.select_related("user", "group").order_by(*by_name)


def _submission_counts(quest: Quest, by: str) -> dict[int, int]:
    first = Submission.objects.filter(quest=quest, group__isnull=False, rerun_of=None)
    return dict(first.order_by().values_list(by).annotate(n=Count("pk")))
