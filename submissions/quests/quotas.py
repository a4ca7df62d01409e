"""Quotas and deadlines: how much and until when a group may submit, by the quest's rules and its extensions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from submissions.models import Extension, Group, Quest, QuestState, Submission


@dataclass(frozen=True, slots=True)
class Quota:
    """A group's use of its daily quota. `limit` and `left` are None if the quest has none; `next_at` None means now."""

    limit: int | None
    used: int
    left: int | None
    next_at: datetime | None


def quota(quest: Quest, group: Group) -> Quota:
    """The group's quota now, by calendar days of the quest's time zone. Refunded submissions do not count."""
    now = timezone.now()
    midnight = now.astimezone(quest.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    counted = Submission.objects.filter(
        quest=quest, group=group, rerun_of=None, refunded=False, out_of_competition=False
    )
    used = counted.filter(submitted_at__gte=midnight).count()
    limit = None if quest.daily_quota is None else quest.daily_quota + _extra_since(quest, group, midnight)
    left = None if limit is None else max(0, limit - used)
    last = counted.order_by("-submitted_at").values_list("submitted_at", flat=True).first()
    free_at = [last + timedelta(seconds=quest.min_interval_seconds)] if last else []
    if left == 0:
        # Wall-clock arithmetic in the zone: a day on which the clocks change has 23 or 25 hours.
        free_at.append(midnight + timedelta(days=1))
    pending = [at for at in free_at if at > now]
    return Quota(limit=limit, used=used, left=left, next_at=max(pending, default=None))


def _extra_since(quest: Quest, group: Group, midnight: datetime) -> int:
    extensions = Extension.objects.filter(quest=quest, group=group, granted_at__gte=midnight)
    return extensions.aggregate(extra=Sum("extra_submissions"))["extra"] or 0


def deadline(quest: Quest, group: Group | None) -> datetime | None:
    """The group's deadline: its newest extension's if later than the quest's own. None: no closing time."""
    if group is None or quest.closes_at is None:
        return quest.closes_at
    extensions = Extension.objects.filter(quest=quest, group=group, closes_at__isnull=False)
    newest = extensions.order_by("-granted_at", "-id").values_list("closes_at", flat=True).first()
    return max(quest.closes_at, newest or quest.closes_at)


def is_open_for(quest: Quest, group: Group | None) -> bool:
    """Whether the group may submit now: the quest is open and between its opening and closing times."""
    now, closes = timezone.now(), deadline(quest, group)
    opened = quest.opens_at is None or quest.opens_at <= now
    return quest.state == QuestState.OPEN and not quest.course.archived and opened and (closes is None or now < closes)


def extensions_of(group: Group, quest: Quest | None = None) -> list[Extension]:
    """The group's extensions in `quest`, or in all quests, newest first."""
    extensions = group.extensions.select_related("quest", "granted_by").order_by("-granted_at", "-id")
    return list(extensions.filter(quest=quest) if quest else extensions)


def own_deadline(quest: Quest, group: Group | None) -> datetime | None:
    """The group's deadline if it differs from the quest's own; else None."""
    closes = deadline(quest, group)
    return None if closes == quest.closes_at else closes


def open_quests(groups: Iterable[Group]) -> list[tuple[Quest, Group]]:
    """(quest, group) for each quest that one of `groups` may submit to now, newest first."""
    teams = {group.course_id: group for group in groups}
    quests = Quest.objects.filter(course__in=teams, state=QuestState.OPEN, course__archived=False)
    pairs = [(quest, teams[quest.course_id]) for quest in quests.select_related("course").order_by("-pk")]
    return [(quest, group) for quest, group in pairs if is_open_for(quest, group)]


def closed_reason(quest: Quest, group: Group | None = None) -> str:
    """A sentence that says why `quest` takes no submissions from `group` now."""
    if quest.is_archived:
        return _("%(quest)s is archived and read-only.") % {"quest": quest}
    now, closes = timezone.now(), deadline(quest, group)
    if quest.opens_at and quest.opens_at > now:
        at, words = quest.opens_at, _("%(quest)s opens %(day)s at %(time)s (%(zone)s).")
    elif closes and closes <= now:
        at, words = closes, _("%(quest)s closed %(day)s at %(time)s (%(zone)s).")
    else:
        state = quest.get_state_display().lower()
        return _("%(quest)s is not open: it is %(state)s.") % {"quest": quest, "state": state}
    at = at.astimezone(quest.zone)
    return words % {"quest": quest, "day": f"{at:%d/%m/%Y}", "time": f"{at:%H:%M:%S}", "zone": quest.time_zone}


def wait_reason(quest: Quest, allowance: Quota) -> str:
    """A sentence that says why a group must wait, and until when."""
    if allowance.left == 0:
        why = _("Your group has used its %(limit)s submissions for today.") % {"limit": allowance.limit}
    else:
        why = _("A group may submit once every %(seconds)s seconds.") % {"seconds": quest.min_interval_seconds}
    if allowance.next_at is None:
        return why
    at = allowance.next_at.astimezone(quest.zone)
    words = {"why": why, "time": f"{at:%H:%M}", "day": f"{at:%d/%m}", "zone": quest.time_zone}
    return _("%(why)s You can submit again at %(time)s on %(day)s (%(zone)s).") % words
