"""Marking a submission as final on its page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from submissions.intake.finals import mark_final
from submissions.models import Submission
from submissions.quests.refusal import Refused
from submissions.requests import UserRequest, logged_in


@logged_in
@require_POST
def final(request: UserRequest, pk: int) -> HttpResponse:
    """Mark the submission with `final=1`, otherwise unmark it; a refusal is shown on its page."""
    submission = get_object_or_404(Submission.objects.visible_to(request.user), pk=pk)
    wanted = request.POST.get("final") == "1"
    try:
        mark_final(submission, user=request.user, final=wanted)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Marked as final.") if wanted else _("No longer marked as final."))
    return redirect("submissions:detail", pk)
