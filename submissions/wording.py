"""Numbers and times in words: scores with five decimals, durations as people say them, times in a quest's zone."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from submissions.models import Quest

NOTHING = "–"


def score(accuracy: float | None) -> str:
    """An accuracy with the house's five decimals."""
    return NOTHING if accuracy is None else f"{accuracy:.5f}"


def percent(share: float | None) -> str:
    """A share in per cent with one decimal."""
    return NOTHING if share is None else f"{100 * share:.1f} %"


def seconds(duration: float | str | None) -> str:
    """`0.52 s`, `7.1 s`, `7 s` for an int, `3 min 05 s`, `1 h 02 min`: no more digits than a person would say."""
    if duration is None or isinstance(duration, str):  # a template gives "" where there is no attempt yet
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
    """Whole seconds as a clock that runs: `0:07`, `12:05`, `1:02:05`; the page's script goes on in this way."""
    minutes, left = divmod(int(duration), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def stamp(at: datetime | None, quest: Quest) -> str:
    """A time of day as board and feed write it, `12/10 11:13`, in the quest's zone."""
    return NOTHING if at is None else f"{at.astimezone(quest.zone):%d/%m %H:%M}"


def about(duration: float | None) -> str:
    """A predicted duration, no more exactly than it can be known: `about 4 s`, `about 3 min`, `about 1 h 20 min`."""
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
