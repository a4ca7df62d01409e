"""How much, and until when, a group may submit: the quest's rules, and what was granted to the group on top."""

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
    """What a group may still submit to a quest today. `limit` and `left` are None where there is no daily quota."""

    limit: int | None
    used: int
    left: int | None
    next_at: datetime | None

    @property
    def spent(self) -> bool:
        return self.next_at is not None


def quota(quest: Quest, group: Group) -> Quota:
    """The group's quota now: by the calendar day of the quest's time zone, refunded ones left out."""
    now = timezone.now()
    midnight = now.astimezone(quest.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    counted = Submission.objects.filter(
        quest=quest, group=group, rerun_of=None, refunded=False, out_of_competition=False
    )
    used = counted.filter(submitted_at__gte=midnight).count()
    limit = None if quest.daily_quota is None else quest.daily_quota + _extra_since(quest, group, midnight)
    left = None if limit is None else max(0, limit - used)
    last = counted.order_by("-submitted_at").values_list("submitted_at", flat=True).first()
    waits = [last + timedelta(seconds=quest.min_interval_seconds)] if last else []
    if left == 0:
        # Wall-clock arithmetic in the zone: the day that the clocks change has 23 or 25 hours.
        waits.append(midnight + timedelta(days=1))
    pending = [at for at in waits if at > now]
    return Quota(limit=limit, used=used, left=left, next_at=max(pending, default=None))


def _extra_since(quest: Quest, group: Group, midnight: datetime) -> int:
    granted = Extension.objects.filter(quest=quest, group=group, granted_at__gte=midnight)
    return granted.aggregate(extra=Sum("extra_submissions"))["extra"] or 0


def deadline(quest: Quest, group: Group | None) -> datetime | None:
    """When the quest closes for this group: the newest extension's time where it is later than the quest's own."""
    if group is None or quest.closes_at is None:
        return quest.closes_at
    extensions = Extension.objects.filter(quest=quest, group=group, closes_at__isnull=False)
    newest = extensions.order_by("-granted_at", "-id").values_list("closes_at", flat=True).first()
    return max(quest.closes_at, newest or quest.closes_at)


def is_open_for(quest: Quest, group: Group | None) -> bool:
    """Whether the group may submit now, to the second: the state is open and it is between the two times."""
    now, closes = timezone.now(), deadline(quest, group)
    begun = quest.opens_at is None or quest.opens_at <= now
    return quest.state == QuestState.OPEN and not quest.course.archived and begun and (closes is None or now < closes)


def granted(group: Group, quest: Quest | None = None) -> list[Extension]:
    """What the group was given on top – in one quest, or in all of them – the newest first."""
    extensions = group.extensions.select_related("quest", "granted_by").order_by("-granted_at", "-id")
    return list(extensions.filter(quest=quest) if quest else extensions)


def own_deadline(quest: Quest, group: Group | None) -> datetime | None:
    """The group's deadline where it is another than the quest's own."""
    closes = deadline(quest, group)
    return None if closes == quest.closes_at else closes


def open_quests(groups: Iterable[Group]) -> list[tuple[Quest, Group]]:
    """The quests that these groups may submit to now, the newest first, each with the group that may."""
    teams = {group.course_id: group for group in groups}
    quests = Quest.objects.filter(course__in=teams, state=QuestState.OPEN, course__archived=False)
    pairs = [(quest, teams[quest.course_id]) for quest in quests.select_related("course").order_by("-pk")]
    return [(quest, group) for quest, group in pairs if is_open_for(quest, group)]


def closed_because(quest: Quest, group: Group | None = None) -> str:
    """Why `quest` takes no submissions of `group` now, in a sentence."""
    if quest.is_archived:
        return _("%(quest)s is archived: it can only be read.") % {"quest": quest}
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


def spent_because(quest: Quest, allowance: Quota) -> str:
    """Why a group must wait, and until when."""
    if allowance.left == 0:
        why = _("Your group has used its %(limit)s submissions of today.") % {"limit": allowance.limit}
    else:
        why = _("A group may submit once every %(seconds)s seconds.") % {"seconds": quest.min_interval_seconds}
    if allowance.next_at is None:
        return why
    at = allowance.next_at.astimezone(quest.zone)
    words = {"why": why, "time": f"{at:%H:%M}", "day": f"{at:%d/%m}", "zone": quest.time_zone}
    return _("%(why)s Next submission free at %(time)s on %(day)s (%(zone)s).") % words
