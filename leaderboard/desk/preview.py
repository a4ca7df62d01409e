"""A quest as students will see it, before it is opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from leaderboard.desk.access import for_instructors
from leaderboard.ranking import queries
from submissions.forms.input_modes import PASTE, examples, form_for, modes
from submissions.intake.estimate import estimate_run
from submissions.models import Extension, Group, Quest
from submissions.quests.eligibility import Entry
from submissions.quests.presets import presets
from submissions.quests.quotas import Quota
from submissions.requests import UserRequest
from submissions.specs.shapes import parameters


@dataclass(frozen=True, slots=True)
class NewcomerEntry(Entry):
    """The quest's terms for a group without submissions or extensions."""

    @property
    def quota(self) -> Quota:
        return Quota(limit=self.quest.daily_quota, used=0, left=self.quest.daily_quota, next_at=None)

    @property
    def own_deadline(self) -> datetime | None:
        return None

    @property
    def extensions(self) -> list[Extension]:
        return []


@for_instructors
@require_safe
def preview(request: UserRequest, pk: int) -> HttpResponse:
    """The head of the board and the submit page, as a group of the course sees them. Nothing can be submitted."""
    quest = get_object_or_404(Quest.objects.select_related("course"), pk=pk)
    entry = NewcomerEntry(quest, Group(course=quest.course, name=_("your group")))
    mode = request.GET.get("way", PASTE)
    mode = mode if mode in modes() else PASTE
    form = form_for(mode, entry, preset=presets(quest).get(request.GET.get("preset", "")))
    spec = form.parsed.spec if form.parsed else None
    context = {
        "quest": quest,
        "snapshot": replace(queries.snapshot(quest), phase=_phase(quest)),
        "entry": entry,
        "form": form,
        "presets": examples(form),
        "parameters": parameters(spec) if spec else None,
        "expected": estimate_run(spec, quest) if spec else None,
        "mode": mode,
        "modes": modes(),
    }
    return render(request, "leaderboard/desk/preview.html", context)


def _phase(quest: Quest) -> str:
    """The quest's phase; for a draft, the phase that it will have once opened."""
    if quest.state != "draft":
        return queries.phase(quest)
    return "upcoming" if quest.opens_at and quest.opens_at > timezone.now() else "open"
