"""The user, group and quest that a request refers to."""

from __future__ import annotations

from typing import cast

from django.utils.translation import gettext as _
from rest_framework.request import Request

from submissions.models import ApiToken, Course, Group, Quest, Submission, User
from submissions.models.submission import SubmissionQuerySet
from submissions.quests import quotas
from submissions.quests.refusal import refuse


def requesting_user(request: Request) -> User:
    """The signed-in user; only for endpoints that require signing in."""
    return cast(User, request.user)


def token_group(request: Request) -> Group | None:
    return request.auth.group if isinstance(request.auth, ApiToken) else None


def acting_group(request: Request, course: Course) -> Group | None:
    """The group that submits: the token's, or the user's in `course`. None for instructors, who do not compete."""
    if requesting_user(request).is_staff:
        return None
    return token_group(request) or requesting_user(request).group_in(course)


def own_submissions(request: Request) -> SubmissionQuerySet:
    """The submissions with full access. A group's token reaches only that group's."""
    visible = Submission.objects.visible_to(requesting_user(request))
    group = token_group(request)
    return visible.filter(group=group) if group and not requesting_user(request).is_staff else visible


def open_quests(request: Request) -> list[Quest]:
    """The quests that this request could submit to now."""
    if requesting_user(request).is_staff:
        quests = Quest.objects.accepting().select_related("course").order_by("pk")
        token = token_group(request)
        return list(quests.filter(course=token.course_id) if token else quests)
    return [quest for quest, _group in reversed(quotas.open_quests(_groups(request)))]


def _groups(request: Request) -> list[Group]:
    """The groups that the request may act for: the token's group, or all of the user's."""
    group = token_group(request)
    return [group] if group else list(Group.objects.filter(memberships__user=requesting_user(request)))


def only_quest(request: Request) -> Quest:
    """The only open quest, for a request that names none. Raises Refused if there is not exactly one."""
    quests = open_quests(request)
    if len(quests) == 1:
        return quests[0]
    if quests:
        listed = "; ".join(f"{quest.pk} ({quest})" for quest in quests)
        raise refuse("quest", _("Several quests are open. Name one: %(listed)s.") % {"listed": listed})
    if not (requesting_user(request).is_staff or requesting_user(request).memberships.exists()):
        raise refuse("group", _("You are not in a group. Ask your instructor."), status=403)
    raise refuse("quest", " ".join([_("No quest is open for you now."), *_why_closed(request)]), status=403)


def _why_closed(request: Request) -> list[str]:
    quests = Quest.objects.published().filter(course__archived=False)
    if not requesting_user(request).is_staff:
        quests = quests.filter(course__in=[group.course_id for group in _groups(request)])
    newest = quests.select_related("course").first()
    return [quotas.closed_reason(newest, acting_group(request, newest.course))] if newest else []
