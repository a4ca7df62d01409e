"""A quest as those who grade need it: a row for each student, also of groups that never submitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, QuerySet

from leaderboard.ranking import queries
from submissions.models import Membership, Quest, Submission, User
from submissions.quests.visibility import visibility_for

Record = dict[str, Any]
COLUMNS = (
    *("student_number", "name", "username", "group"),
    *("rank", "final_score", "provisional", "submissions", "own_submissions"),
)
CHUNK = 500


def grades(quest: Quest, *, user: User) -> Iterator[Record]:
    """The students of the quest's course, by group and name, as the instructor `user` sees the ranking. Five queries.

    `final_score` is what the group's rank stands by; provisional until the reveal. What was handed in is counted
    without re-runs: that of the group, and of it what the student handed in.
    """
    standing = {row.group_id: row for row in queries.board(quest, seen=visibility_for(quest, user))}
    of_groups, of_students = _handed_in(quest, "group"), _handed_in(quest, "submitter")
    for member in _students(quest).iterator(chunk_size=CHUNK):
        row = standing.get(member.group_id)
        yield {
            "student_number": member.user.student_number,
            "name": member.user.get_full_name(),
            "username": member.user.username,
            "group": member.group.name,
            "rank": row.rank if row else None,
            "final_score": row.ranked_score if row else None,
            "provisional": not quest.is_revealed,
            "submissions": of_groups.get(member.group_id, 0),
            "own_submissions": of_students.get(member.user_id, 0),
        }


def _students(quest: Quest) -> QuerySet[Membership]:
    members = Membership.objects.filter(course=quest.course_id, user__is_staff=False)
    by_name = ("group__name", "user__last_name", "user__first_name", "user__username")
    return members.select_related("user", "group").order_by(*by_name)


def _handed_in(quest: Quest, by: str) -> dict[int, int]:
    first = Submission.objects.filter(quest=quest, group__isnull=False, rerun_of=None)
    return dict(first.order_by().values_list(by).annotate(n=Count("pk")))
