"""Freezing a quest, so that its last hours stay exciting, and thawing it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from leaderboard.desk.access import for_instructors
from submissions.models import Quest
from submissions.quests import lifecycle
from submissions.requests import UserRequest


@for_instructors
@require_POST
def freeze(request: UserRequest, pk: int) -> HttpResponse:
    """Freeze the quest with `frozen=1`, else thaw it. A refusal is shown as a message."""
    quest = get_object_or_404(Quest.objects.select_related("course"), pk=pk)
    act = lifecycle.freeze if request.POST.get("frozen") == "1" else lifecycle.thaw
    try:
        act(quest, user=request.user)
    except lifecycle.QuestMoveRefused as refused:
        messages.error(request, str(refused))
    else:
        frozen, thawed = (
            _("Frozen: groups see the quest as it is now."),
            _("Unfrozen: everybody sees live results again."),
        )
        messages.success(request, frozen if quest.frozen_at else thawed)
    return redirect("desk:quest", pk)
