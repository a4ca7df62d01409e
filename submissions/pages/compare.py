"""Comparing two submissions."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from submissions.models import Attempt, State, Submission
from submissions.quests.readers import SubmissionView, public_submissions, submission_view
from submissions.quests.visibility import Visibility
from submissions.requests import UserRequest, logged_in, number
from submissions.results.comparison import Comparison, compare, differences, line_by_line
from submissions.results.mistakes import Mistake, class_names

PER_PAGE = 48
MOST_CHOICES = 60  # per list of candidates


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two submissions, with the images that only it got right and the other's predictions for them."""

    view: SubmissionView
    only: Page[Mistake]
    page_parameter: str

    @property
    def submission(self) -> Submission:
        return self.view.submission

    @property
    def attempt(self) -> Attempt:
        return self.submission.score.attempt


@logged_in
@require_safe
def compare_with(request: UserRequest, pk: int) -> HttpResponse:
    """Choose the other submission; `?with=` redirects to the comparison."""
    first = _scored_view(request, pk)
    if other := number(request.GET.get("with", "")):
        return redirect("submissions:compare", pk, other)
    return render(request, "submissions/compare_with.html", {"view": first, **_choices(request, first)})


@logged_in
@require_safe
def compare_two(request: UserRequest, pk: int, other: int) -> HttpResponse:
    first, second = _scored_view(request, pk), _scored_view(request, other)
    submissions = first.submission, second.submission
    comparison = compare(*submissions)
    context = {
        "view": first,
        "comparison": comparison,
        "sides": _sides(request, first, second, comparison) if comparison else [],
        "differences": differences(*submissions),
        "lines": line_by_line(*submissions),
        "dataset": submissions[0].quest.dataset,
        "names": class_names(submissions[0].quest.dataset),
        **_choices(request, first, chosen=other),
    }
    return render(request, "submissions/compare.html", context)


def _scored_view(request: UserRequest, pk: int) -> SubmissionView:
    found = submission_view(pk, request.user)
    if found is None or found.submission.state != State.SCORED:
        raise Http404
    return found


def _sides(request: UserRequest, first: SubmissionView, second: SubmissionView, comparison: Comparison) -> list[Side]:
    pairs = ((first, comparison.only_first, "first"), (second, comparison.only_second, "second"))
    return [Side(one, Paginator(only, PER_PAGE).get_page(request.GET.get(name)), name) for one, only, name in pairs]


def _choices(request: UserRequest, first: SubmissionView, chosen: int = 0) -> dict[str, object]:
    """The submissions on offer: the reader's own, and those on the board if models are visible; same data set only."""
    visibility, submission = first.visibility, first.submission
    own = Submission.objects.visible_to(request.user).scored().exclude(pk=submission.pk)
    quest = submission.quest
    comparable = own.filter(quest=quest) if visibility.full_access else own.filter(quest__dataset=quest.dataset)
    return {
        "own": comparable.order_by("-id")[:MOST_CHOICES],
        "others": _board_choices(visibility, submission),
        "chosen": chosen,
    }


def _board_choices(visibility: Visibility, submission: Submission) -> list[tuple[str, Submission]]:
    if not visibility.models_open or visibility.full_access:
        return []
    board = public_submissions(visibility).exclude(pk=submission.pk).exclude(group__in=visibility.own)
    best = board.select_related("group").order_by("-correct", "ranked_at")[:MOST_CHOICES]
    return [(visibility.name(one.group), one) for one in best]
