"""Who has been locked out by wrong passwords or invitation codes, and letting them in again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from submissions.database.write_lock import writing
from submissions.models import DeskEvent, User

CODES = "(invitation codes)"  # nobody's username: these characters are in none


@dataclass(frozen=True, slots=True)
class Lockout:
    """A username that may not log in from one address until `until`."""

    username: str
    address: str
    failures: int
    until: datetime

    @property
    def of_codes(self) -> bool:
        return self.username == CODES


def lockouts() -> list[Lockout]:
    """Those that hold now, the latest first."""
    rest = get_cool_off(None)
    attempts = AccessAttempt.objects.filter(
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gt=timezone.now() - rest
    )
    return [
        Lockout(one.username or "", one.ip_address or "", one.failures_since_start, one.attempt_time + rest)
        for one in attempts.order_by("-attempt_time")
    ]


def unlock(username: str, *, user: User) -> bool:
    """Let `username` try again, from everywhere; False if nothing kept it out."""
    with writing():
        if not reset(username=username):
            return False
        person = User.objects.filter(username=username).first()
        DeskEvent.record(DeskEvent.Kind.LOGIN_UNLOCKED, user=user, subject="" if person else username, person=person)
    return True


def note_wrong_code(request: HttpRequest) -> None:
    """An invitation code that is none counts like a wrong password: after ten, this address has to wait."""
    user_login_failed.send(sender=__name__, credentials={"username": CODES}, request=request)


def may_try_codes(request: HttpRequest) -> bool:
    return bool(AxesProxyHandler.is_allowed(request, {"username": CODES}))
