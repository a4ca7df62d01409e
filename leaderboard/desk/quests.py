"""The desk's quests: create, edit, announce, open, close, reveal and archive."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leaderboard.desk.access import for_instructors
from leaderboard.desk.forms import QuestForm, save_quest
from submissions.models import LIVE, QUEST_MOVES, Course, Quest, QuestState
from submissions.quests.announcements import announce
from submissions.quests.lifecycle import QuestMoveRefused, move_quest
from submissions.quests.quotas import closed_reason
from submissions.requests import UserRequest

STATES_IN_ORDER = list(QuestState)
LONGEST_ANNOUNCEMENT = 5000  # characters


@for_instructors
@require_safe
def quests(request: UserRequest) -> HttpResponse:
    counted = Quest.objects.select_related("course").annotate(
        submitted=Count("submissions"),
        waiting=Count("submissions", filter=Q(submissions__state__in=LIVE)),
        teams=Count("submissions__group", distinct=True),
    )
    return render(request, "leaderboard/desk/quests.html", {"quests": counted.order_by("course__archived", "-pk")})


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def quest_new(request: UserRequest) -> HttpResponse:
    if not Course.objects.current().exists():
        messages.error(request, _("Every quest belongs to a course. Create a course first."))
        return redirect("desk:courses")
    newest = Course.objects.current().first()
    form = QuestForm(_post_data(request), initial={"course": newest})
    if form.is_bound and (quest := save_quest(form, user=request.user)):
        words = _("%(quest)s created as a draft. Groups do not see it until you open it.")
        messages.success(request, words % {"quest": quest})
        return redirect("desk:quest", quest.pk)
    return render(request, "leaderboard/desk/quest.html", {"form": form})


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def quest_edit(request: UserRequest, pk: int) -> HttpResponse:
    quest = get_object_or_404(Quest.objects.select_related("course"), pk=pk)
    if request.method == "POST" and _read_only(request, quest):
        return redirect("desk:quest", pk)
    form = QuestForm(_post_data(request), instance=quest)
    if form.is_bound and save_quest(form, user=request.user):
        messages.success(request, _("Saved."))
        return redirect("desk:quest", pk)
    # Read again: the form's validation has put unsaved input into `quest`, and the page must show the saved one.
    quest = get_object_or_404(Quest.objects.select_related("course"), pk=pk)
    moves = [state for state in STATES_IN_ORDER if state in QUEST_MOVES[quest.state]]
    return render(request, "leaderboard/desk/quest.html", {"form": form, "quest": quest, "moves": moves})


@for_instructors
@require_POST
def quest_move(request: UserRequest, pk: int) -> HttpResponse:
    """Open, close, reveal or archive the quest. A refusal is shown as a message."""
    quest = get_object_or_404(Quest.objects.select_related("course"), pk=pk)
    if request.POST.get("to") not in QuestState.values:
        raise Http404
    if _read_only(request, quest):
        return redirect("desk:quest", pk)
    try:
        move_quest(quest, QuestState(request.POST["to"]), user=request.user)
    except QuestMoveRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request, _("%(quest)s is now %(state)s.") % {"quest": quest, "state": quest.get_state_display().lower()}
        )
        if quest.state == QuestState.OPEN and not quest.is_open:
            messages.warning(request, closed_reason(quest))
    return redirect("desk:quest", pk)


def _post_data(request: UserRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _read_only(request: UserRequest, quest: Quest) -> bool:
    """Whether the quest's course is archived; if so, a message says so."""
    if quest.course.archived:
        messages.error(request, _("%(course)s is archived and read-only.") % {"course": quest.course})
    return quest.course.archived


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def quest_announce(request: UserRequest, pk: int) -> HttpResponse:
    """A form for the announcement alone; an empty one removes it."""
    quest = get_object_or_404(Quest.objects.select_related("course"), pk=pk)
    if request.method != "POST":
        return render(request, "leaderboard/desk/announce.html", {"quest": quest})
    if not _read_only(request, quest):
        announce(
            quest, request.POST.get("announcement", "").replace("\0", "")[:LONGEST_ANNOUNCEMENT], user=request.user
        )
        posted = quest.announcement
        messages.success(request, _("Posted above the board.") if posted else _("Announcement removed."))
    return redirect("desk:quest", pk)
