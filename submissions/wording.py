"""Formatting of scores, percentages, durations and times for pages and feeds."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from submissions.models import Quest

NOTHING = "–"


def score(accuracy: float | None) -> str:
    """An accuracy with five decimals."""
    return NOTHING if accuracy is None else f"{accuracy:.5f}"


def percent(share: float | None) -> str:
    """A share as a percentage with one decimal."""
    return NOTHING if share is None else f"{100 * share:.1f} %"


def seconds(duration: float | str | None) -> str:
    """`0.52 s`, `7.1 s`, `7 s` for an int, `3 min 05 s`, `1 h 02 min`: with only as many digits as are useful."""
    if duration is None or isinstance(duration, str):  # templates pass "" if there is no attempt yet
        return NOTHING
    if isinstance(duration, int) and duration < 60:
        return f"{duration} s"
    if duration < 0.01:
        return "< 0.01 s"
    if duration < 1:
        return f"{duration:.2f} s"
    if duration < 59.95:
        return f"{duration:.1f} s"
    minutes, left = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {left:02} s"
    hours, minutes = divmod(round(duration / 60), 60)
    return f"{hours} h {minutes:02} min"


def clock(duration: float) -> str:
    """Whole seconds as a running clock: `0:07`, `12:05`, `1:02:05`. submission.js uses the same format."""
    minutes, left = divmod(int(duration), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def stamp(at: datetime | None, quest: Quest) -> str:
    """A time as shown on the board and in the feed, `12/10 11:13`, in the quest's time zone."""
    return NOTHING if at is None else f"{at.astimezone(quest.zone):%d/%m %H:%M}"


def about(duration: float | None) -> str:
    """A predicted duration, rounded to its likely precision: `about 4 s`, `about 3 min`, `about 1 h 20 min`."""
    if duration is None:
        return ""
    if duration < 1:
        return _("under a second")
    if duration < 55:
        seconds = round(duration) if duration < 8 else round(duration / 10) * 10
        return _("about %(seconds)s s") % {"seconds": seconds}
    if duration < 55 * 60:
        minutes = round(duration / 60) if duration < 600 else round(duration / 300) * 5
        return _("about %(minutes)s min") % {"minutes": minutes}
    hours, minutes = divmod(round(duration / 600) * 10, 60)
    words = _("about %(hours)s h %(minutes)s min") if minutes else _("about %(hours)s h")
    return words % {"hours": hours, "minutes": minutes}
