"""Who may come to the instructors' desk."""

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
    """Instructors only: who is not logged in may do so first, and for anybody else there is no such page."""

    @login_required
    @wraps(view)
    def of_staff(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.headers.get("HX-Request") and not request.user.is_authenticated:
            # A table that polls would be replaced by the login form: load the whole page instead.
            return HttpResponseClientRefresh()
        return of_staff(request, *args, **kwargs)

    return guarded


def back(request: HttpRequest, otherwise: str) -> str:
    """The address on this site that the visitor came from, as the form or link says."""
    there = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(there, {request.get_host()}, require_https=request.is_secure())
    return there if safe else otherwise
