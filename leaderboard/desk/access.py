"""Access to the instructors' desk."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRefresh

View = Callable[..., HttpResponseBase]


def for_instructors(view: View) -> View:
    """Instructors only: anonymous visitors are asked to log in, students get a 404."""

    @login_required
    @wraps(view)
    def staff_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.headers.get("HX-Request") and not request.user.is_authenticated:
            # The login form would replace the polling table: reload the whole page instead.
            return HttpResponseClientRefresh()
        return staff_only(request, *args, **kwargs)

    return guarded


def back(request: HttpRequest, otherwise: str) -> str:
    """The `next` address of the form or link if it is on this site, else `otherwise`."""
    address = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if safe else otherwise
