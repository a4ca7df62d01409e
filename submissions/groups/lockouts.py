"""Lock-outs after wrong passwords or invitation codes, and how to lift them."""

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

CODES = "(invitation codes)"  # cannot be a username: these characters are not allowed in one


@dataclass(frozen=True, slots=True)
class Lockout:
    """A username that may not log in from one address until `until`."""

    username: str
    address: str
    failures: int
    until: datetime

    @property
    def is_for_codes(self) -> bool:
        return self.username == CODES


def lockouts() -> list[Lockout]:
    """The current lock-outs, latest first."""
    cool_off = get_cool_off(None)
    attempts = AccessAttempt.objects.filter(
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gt=timezone.now() - cool_off
    )
    return [
        Lockout(one.username or "", one.ip_address or "", one.failures_since_start, one.attempt_time + cool_off)
        for one in attempts.order_by("-attempt_time")
    ]


def unlock(username: str, *, user: User) -> bool:
    """Lift the lock-out of `username` for all addresses; False if there was none."""
    with writing():
        if not reset(username=username):
            return False
        person = User.objects.filter(username=username).first()
        DeskEvent.record(DeskEvent.Kind.LOGIN_UNLOCKED, user=user, subject="" if person else username, person=person)
    return True


def record_wrong_code(request: HttpRequest) -> None:
    """Count a wrong invitation code like a wrong password: after ten, this address must wait."""
    user_login_failed.send(sender=__name__, credentials={"username": CODES}, request=request)


def may_try_codes(request: HttpRequest) -> bool:
    return bool(AxesProxyHandler.is_allowed(request, {"username": CODES}))
