"""The desk's extensions: extra submissions and later deadlines of single groups, with the reason."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from leaderboard.desk.access import for_instructors
from leaderboard.desk.forms import ExtensionForm
from submissions.models import Extension, Quest
from submissions.quests.extensions import extend
from submissions.quests.refusal import Refused
from submissions.requests import UserRequest


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def extensions(request: UserRequest, pk: int) -> HttpResponse:
    """A quest's extensions, newest first, and a form for another one."""
    quest = get_object_or_404(Quest.objects.select_related("course"), pk=pk)
    form = ExtensionForm(request.POST if request.method == "POST" else None, quest=quest)
    if form.is_bound and form.is_valid() and (granted := _grant(request, quest, form)):
        messages.success(request, _("Granted to %(group)s.") % {"group": granted.group})
        return redirect("desk:extensions", pk)
    existing = quest.extensions.select_related("group", "granted_by", "quest").order_by("-granted_at", "-id")
    return render(request, "leaderboard/desk/extensions.html", {"quest": quest, "form": form, "extensions": existing})


def _grant(request: UserRequest, quest: Quest, form: ExtensionForm) -> Extension | None:
    """The granted extension; None if it is refused, with the errors on the form."""
    try:
        return extend(quest=quest, user=request.user, **form.cleaned_data)
    except Refused as refusal:
        for error in refusal.errors:
            form.add_error(error["field"] or None, error["message"])
        return None
