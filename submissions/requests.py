"""Typed requests, the login guard of views, and reading ids from query parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from submissions.models import User


class PageRequest(HttpRequest):
    """A request from any visitor."""

    htmx: HtmxDetails


class UserRequest(PageRequest):
    """A request from a logged-in user."""

    user: User


def logged_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """`login_required` that works for htmx too: if the session has ended, the whole page reloads and asks to log in."""
    guarded = login_required(view)

    @wraps(view)
    def guard(request: PageRequest, *args: object, **named: object) -> HttpResponse:
        if request.htmx and not request.user.is_authenticated:
            return HttpResponseClientRefresh()
        return guarded(request, *args, **named)

    return guard


def number(text: str) -> int | None:
    """The id in a query parameter, or None. More than 18 digits fit no id column and would be a database error."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
