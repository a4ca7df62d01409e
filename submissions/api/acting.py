"""Whom a request acts for, and which quest it means."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import AnonymousUser
from rest_framework.request import Request

from submissions.intake import refuse
from submissions.models import ApiToken, Course, Group, Quest, Submission, User
from submissions.models.quests import QuestQuerySet
from submissions.models.submission import SubmissionQuerySet
from submissions.quotas import closed_because


def who(request: Request) -> User:
    """The person asking; for endpoints that nobody enters without signing in."""
    return cast(User, request.user)


def token_group(request: Request) -> Group | None:
    return request.auth.group if isinstance(request.auth, ApiToken) else None


def acting_group(request: Request, course: Course) -> Group | None:
    """The group submitted for: the token's, or the person's in `course`. None for instructors, who do not compete."""
    if who(request).is_staff:
        return None
    return token_group(request) or who(request).group_in(course)


def own_submissions(request: Request) -> SubmissionQuerySet:
    """What the request may see whole; a token that acts for a group sees that group's only."""
    visible = Submission.objects.visible_to(who(request))
    group = token_group(request)
    return visible.filter(group=group) if group and not who(request).is_staff else visible


def visible_quests(user: User | AnonymousUser) -> QuestQuerySet:
    return Quest.objects.all() if user.is_staff else Quest.objects.published()


def open_quests(request: Request) -> list[Quest]:
    """The quests that this request could submit to now."""
    quests = Quest.objects.accepting().select_related("course").order_by("pk")
    if group := token_group(request):
        quests = quests.filter(course=group.course_id)
    elif not who(request).is_staff:
        quests = quests.filter(course__memberships__user=who(request))
    return list(quests)


def only_quest(request: Request) -> Quest:
    """The one open quest that fits, for a request that names none; Refused if there is none or a choice."""
    quests = open_quests(request)
    if len(quests) == 1:
        return quests[0]
    if quests:
        listed = "; ".join(f"{quest.pk} ({quest})" for quest in quests)
        raise refuse("quest", f"Several quests are open, so name one: {listed}.")
    if not (who(request).is_staff or who(request).memberships.exists()):
        raise refuse("group", "You are in no group: ask your instructor.", status=403)
    raise refuse("quest", " ".join(["No quest is open for you now.", *_why_closed(request)]), status=403)


def _why_closed(request: Request) -> list[str]:
    quests = Quest.objects.published().filter(course__archived=False)
    if not who(request).is_staff:
        quests = quests.filter(course__memberships__user=who(request))
    newest = quests.first()
    return [closed_because(newest)] if newest else []
