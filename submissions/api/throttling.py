"""Limits on requests per minute, by token and by group, so that a busy loop does not slow others down."""

from __future__ import annotations

from time import monotonic
from time import time as now
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.core.cache import caches
from django.utils.translation import gettext as _
from redis import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from submissions.models import ApiToken

logger = structlog.get_logger(__name__)
WINDOW_S = 60


class RequestCounter:
    """Counts requests in the cache that all web processes share. If the cache is down, counting pauses for a while."""

    PAUSE_S = 10.0  # otherwise every request would wait for a server that does not respond

    def __init__(self) -> None:
        self.paused_until = 0.0

    def count(self, name: str) -> int:
        """Add one to this minute's count of `name` and return it; 0 if the cache is down."""
        if monotonic() < self.paused_until:
            return 0
        key = f"{name}:{int(now() // WINDOW_S)}"
        try:
            caches["shared"].add(key, 0, timeout=2 * WINDOW_S)
            return caches["shared"].incr(key)
        except ValueError:  # the key expired between add and incr
            return 1
        except RedisError as error:
            self.paused_until = monotonic() + self.PAUSE_S
            logger.warning("requests are not counted", error=str(error))
            return 0


counter = RequestCounter()


class Rate(BaseThrottle):
    """At most `settings.API_RATES[scope]` requests per minute for each `ident()`. None means no limit."""

    scope: ClassVar[str]

    def ident(self, request: Request) -> str | None:
        raise NotImplementedError

    def allow_request(self, request: Request, view: Any) -> bool:
        limit, ident = settings.API_RATES[self.scope], self.ident(request)
        return not limit or ident is None or counter.count(f"rate:{self.scope}:{ident}") <= limit

    def wait(self) -> float:
        return WINDOW_S - now() % WINDOW_S


class TokenRate(Rate):
    """Limits each token; in a browser session, each user."""

    scope = "token"

    def ident(self, request: Request) -> str | None:
        if isinstance(request.auth, ApiToken):
            return str(request.auth.pk)
        return f"user:{request.user.pk}" if request.user.is_authenticated else None


class GroupRate(Rate):
    """Limits the group that a token acts for, however many tokens it has."""

    scope = "group"

    def ident(self, request: Request) -> str | None:
        group = request.auth.group_id if isinstance(request.auth, ApiToken) else None
        return None if group is None else str(group)


def too_many_requests(wait: float | None) -> Throttled:
    words = _("Too many requests. The limits per minute are %(token)s for a token and %(group)s for a group.")
    return Throttled(wait, words % settings.API_RATES)
