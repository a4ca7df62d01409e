"""The desk's history: which instructor did what."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from leaderboard.desk.access import for_instructors
from submissions.models import DeskEvent
from submissions.requests import UserRequest

PAGE = 100


@for_instructors
@require_safe
@never_cache
def history(request: UserRequest) -> HttpResponse:
    """All desk events, newest first. Actions on a submission are in that submission's own history."""
    events = DeskEvent.objects.select_related("person", "course")
    page = Paginator(events, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "newer": f"page={page.number - 1}", "older": f"page={page.number + 1}"}
    return render(request, "leaderboard/desk/history.html", context)
