"""A quest's downloads: tables, one row per student for grading, and after the reveal the archive."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from leaderboard.archive.zip import archive
from leaderboard.desk.access import for_instructors
from leaderboard.exports import grading, tables
from submissions.models import Quest
from submissions.requests import UserRequest


@for_instructors
@require_safe
def downloads(request: UserRequest, pk: int) -> HttpResponse:
    return render(request, "leaderboard/desk/downloads.html", {"quest": _quest(pk), "query": f"quest={pk}"})


@for_instructors
@require_safe
def grading_export(request: UserRequest, pk: int, ending: str) -> HttpResponseBase:
    quest = _quest(pk)
    records = grading.grades(quest, user=request.user)
    return tables.as_file(ending, records, grading.COLUMNS, tables.file_name("grading", quest))


@for_instructors
@require_safe
def archive_export(request: UserRequest, pk: int) -> HttpResponseBase:
    """The archive, streamed while it is made. Refused before the reveal, since it contains the final ranking."""
    quest = _quest(pk)
    if not quest.is_revealed:
        words = _("%(quest)s has not been revealed yet. Its archive is available after the reveal.")
        messages.error(request, words % {"quest": quest})
        return redirect("desk:downloads", pk)
    response = StreamingHttpResponse(archive(quest), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{tables.file_name("archive", quest)}.zip"'
    response["Cache-Control"] = "no-store"
    return response


def _quest(pk: int) -> Quest:
    return get_object_or_404(Quest.objects.select_related("course"), pk=pk)
