"""Requests as the views get them."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from submissions.models import User


class UserRequest(HttpRequest):
    """A request of somebody who is logged in."""

    user: User
    htmx: HtmxDetails


def number(text: str) -> int | None:
    """The id in a query's parameter; None where there is none that a row could have."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
