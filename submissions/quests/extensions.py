"""Extensions: a later deadline or more submissions for one group, with a reason that the group can read."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.models import DeskEvent, Extension, Group, Quest, QuestState, User
from submissions.quests.refusal import refuse

MAX_EXTRA = 1000


def extend(
    *,
    quest: Quest,
    group: Group,
    user: User,
    reason: str,
    extra_submissions: int = 0,
    closes_at: datetime | None = None,
) -> Extension:
    """Give `group` more submissions today, its own deadline, or both. Raises Refused if that would change nothing."""
    _check_reason(reason)
    _check_extends(extra_submissions, closes_at)
    with writing():
        quest.refresh_from_db()
        _check_quest(quest, group)
        if extra_submissions and quest.daily_quota is None:
            words = _("%(quest)s has no daily quota, so groups need no extra submissions.")
            raise refuse("extra_submissions", words % {"quest": quest})
        if closes_at:
            _check_deadline(quest, closes_at)
        extension = Extension.objects.create(
            quest=quest,
            group=group,
            extra_submissions=extra_submissions,
            closes_at=closes_at,
            reason=reason.strip(),
            granted_by=user,
        )
        DeskEvent.record(
            DeskEvent.Kind.EXTENDED, user=user, subject=group, course=quest.course, detail=_history_detail(extension)
        )
    return extension


def _history_detail(extension: Extension) -> str:
    """The extension and its reason as one line of the desk's history."""
    quest, granted = extension.quest, []
    if extension.extra_submissions:
        granted.append(f"{extension.extra_submissions:,} more today")
    if extension.closes_at:
        granted.append(f"open until {extension.closes_at.astimezone(quest.zone):%d/%m/%Y at %H:%M:%S}")
    return f"{quest}: {', '.join(granted)}. {extension.reason}"


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise refuse("reason", _("Give a reason; the group can read it."))


def _check_extends(extra_submissions: int, closes_at: datetime | None) -> None:
    if not 0 <= extra_submissions <= MAX_EXTRA:
        raise refuse("extra_submissions", _("Give 0 to %(most)s more submissions.") % {"most": f"{MAX_EXTRA:,}"})
    if not extra_submissions and closes_at is None:
        raise refuse("", _("Give more submissions, a later deadline, or both."))


def _check_quest(quest: Quest, group: Group) -> None:
    if group.course_id != quest.course_id:
        words = _("%(group)s and %(quest)s belong to different courses.")
        raise refuse("group", words % {"group": group, "quest": quest})
    if quest.state in (QuestState.REVEALED, QuestState.ARCHIVED) or quest.course.archived:
        words = _("%(quest)s is read-only: it takes no more submissions.")
        raise refuse("", words % {"quest": quest}, status=409)


def _check_deadline(quest: Quest, closes_at: datetime) -> None:
    if quest.closes_at is None:
        words = _("%(quest)s has no closing time: it stays open until you close it.")
        raise refuse("closes_at", words % {"quest": quest})
    if closes_at <= quest.closes_at:
        own = quest.closes_at.astimezone(quest.zone)
        words = _("%(quest)s itself closes %(day)s at %(time)s: give a later time.")
        values = {"quest": quest, "day": f"{own:%d/%m/%Y}", "time": f"{own:%H:%M:%S}"}
        raise refuse("closes_at", words % values)
    if closes_at <= timezone.now():
        raise refuse("closes_at", _("This time has already passed."))
