"""Template filters and tags: the wording of numbers and times, and what a reader may see."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from django import template
from django.contrib.auth.models import AnonymousUser
from django.templatetags.tz import do_timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from submissions import wording
from submissions.images.digits import image_uri
from submissions.intake.finals import Offer, offer
from submissions.models import Course, Group, Quest, Submission, User
from submissions.quests.visibility import Visibility
from submissions.results.wilson import wilson
from submissions.wording import NOTHING

register = template.Library()
for write in (wording.score, wording.percent, wording.seconds, wording.clock, wording.stamp):
    register.filter(write)

BEHIND = re.compile(r"(?<=[(,])(?=[^\s)])")  # where a space follows, a line may end anyhow
LINE_MAY_END = mark_safe("<wbr>")


@register.simple_tag
def interval_of(correct: int, total: int) -> tuple[float, float]:
    """The 95% interval (Wilson) of an accuracy, as (low, high)."""
    return wilson(correct, total)


@register.simple_tag
def picture(dataset: str, part: str, index: int) -> str:
    """The `src` of a data set's image."""
    return image_uri(dataset, part, index)


@register.filter
def breakable(notation: str) -> SafeString:
    """The notation escaped, and marked where a line of a table may end: behind a bracket or comma, never in a word."""
    return format_html_join(LINE_MAY_END, "{}", ((part,) for part in BEHIND.split(notation)))


@register.filter
def class_in(place: int, names: Sequence[str]) -> str:
    """What the class of that number is called; the number where there are no names."""
    return names[place] if names else str(place)


@register.filter
def about(duration: float | None) -> str:
    """A predicted duration, in round numbers."""
    return wording.about(duration) or NOTHING


@register.filter
def in_zone(at: datetime | None, place: Quest | Course) -> datetime | str:
    """The same moment in the zone of the quest or course, for the `date` filter to format."""
    return NOTHING if at is None else do_timezone(at, place.zone)


@register.filter
def name_in(group: Group | None, visibility: Visibility) -> str:
    """What the reader may know the group by: its name, or its pseudonym."""
    return visibility.name(group)


@register.filter
def may_read(visibility: Visibility, submission: Submission) -> bool:
    """Whether the reader may see the submission's model."""
    return visibility.shows_model(submission)


@register.filter
def parameters_of(visibility: Visibility, submission: Submission) -> int | None:
    """How many parameters the network has, where the reader may know it."""
    return visibility.parameters(submission)


@register.simple_tag
def final_offer(submission: Submission, user: User | AnonymousUser) -> Offer | None:
    """What `user` is offered about marking the submission as final."""
    return offer(submission, user) if isinstance(user, User) else None


@register.simple_tag
def group_of(user: User | AnonymousUser) -> Group | None:
    """The group that `user` is in now: that of the newest course which is not archived."""
    if not isinstance(user, User):
        return None
    current = Group.objects.filter(memberships__user=user, course__archived=False)
    return current.select_related("course").order_by("-course__created_at").first()
