"""Template filters and tags for numbers, times, notation, and the visibility of groups and models."""

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

BEHIND = re.compile(r"(?<=[(,])(?=[^\s)])")  # before a space, a line can break anyway
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
    """The escaped notation with line-break opportunities after brackets and commas, never inside a word."""
    return format_html_join(LINE_MAY_END, "{}", ((part,) for part in BEHIND.split(notation)))


@register.filter
def class_in(place: int, names: Sequence[str]) -> str:
    """The name of a class, or its number if there are no names."""
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
    """The name or pseudonym under which the reader sees the group."""
    return visibility.name(group)


@register.filter
def may_read(visibility: Visibility, submission: Submission) -> bool:
    """Whether the reader may see the submission's model."""
    return visibility.shows_model(submission)


@register.filter
def parameters_of(visibility: Visibility, submission: Submission) -> int | None:
    """The network's parameter count, if the reader may see it; otherwise None."""
    return visibility.parameters(submission)


@register.simple_tag
def final_offer(submission: Submission, user: User | AnonymousUser) -> Offer | None:
    """Whether and how `user` may mark the submission as final; None for visitors."""
    return offer(submission, user) if isinstance(user, User) else None


@register.simple_tag
def group_of(user: User | AnonymousUser) -> Group | None:
    """The user's group in the newest course that is not archived."""
    if not isinstance(user, User):
        return None
    current = Group.objects.filter(memberships__user=user, course__archived=False)
    return current.select_related("course").order_by("-course__created_at").first()
