"""Requests that wait for a change. Only a few may wait at once, so that other server threads stay free."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Subquery

from submissions.models import Attempt, Submission

LONGEST_S = 55  # a proxy in front gives up after 60
POLL_EVERY_S = 0.3
wait_slots = BoundedSemaphore(settings.WEB_THREADS // 4)


def wait_for_change(read: Callable[[], Any], before: Any, *, seconds: float) -> bool:
    """Wait until `read()` differs from `before`, or for `seconds`. Returns False at once if too many requests wait."""
    if not wait_slots.acquire(blocking=False):
        return False
    try:
        deadline = time.monotonic() + seconds
        while read() == before and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(POLL_EVERY_S, left))
    finally:
        wait_slots.release()
    return True


def progress_marker(pk: int) -> Any:
    """A value that changes with the submission's state or progress, read by one cheap query."""
    latest = Attempt.objects.filter(submission=OuterRef("pk")).order_by("-number")
    parts = [Subquery(latest.values(name)[:1]) for name in ("pk", "progress")]
    return Submission.objects.filter(pk=pk).values_list("state", "cancel_asked", *parts).first()
