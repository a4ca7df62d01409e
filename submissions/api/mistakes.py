"""Endpoints for misclassified images and for comparing two submissions. Private images stay hidden until the reveal."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from submissions.api.endpoint import Endpoint
from submissions.api.error_schema import error_responses
from submissions.api.requester import own_submissions, requesting_user
from submissions.models import Submission
from submissions.quests.readers import submission_view
from submissions.results.comparison import Comparison, compare
from submissions.results.mistakes import CLASSES, Mistake, Mistakes, mistakes


class MistakeOut(serializers.Serializer[Mistake]):
    index = serializers.IntegerField(help_text="Index of the image in the test set.")
    true = serializers.IntegerField(source="truth", help_text="True class.")
    given = serializers.IntegerField(help_text="Predicted class.")


class ErrorsOut(serializers.Serializer[Mistakes]):
    """A submission's misclassified images, without private ones until the reveal."""

    images = serializers.IntegerField(help_text="Number of test images covered.")
    correct = serializers.IntegerField(source="right")
    confusion = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=CLASSES, max_length=CLASSES),
        source="counts",
        min_length=CLASSES,
        max_length=CLASSES,
        help_text="Confusion matrix: rows are true classes, columns are predictions.",
    )
    errors = MistakeOut(many=True, source="of")  # type: ignore[assignment]


class ComparisonOut(serializers.Serializer[Comparison]):
    """Two submissions compared on the images visible for both."""

    images = serializers.IntegerField(help_text="Number of test images covered.")
    both = serializers.IntegerField(help_text="Images that both got right.")
    neither = serializers.IntegerField(help_text="Images that neither got right.")
    only_first = MistakeOut(many=True, help_text="Images that only the first got right, with the second's predictions.")
    only_second = MistakeOut(
        many=True, help_text="Images that only the second got right, with the first's predictions."
    )
    difference = serializers.FloatField(help_text="The first's accuracy minus the second's.")
    p = serializers.FloatField(help_text="Two-sided p-value of McNemar's exact test.")


class Errors(Endpoint):
    @extend_schema(
        operation_id="submissions_errors",
        summary="A submission's misclassified images",
        description="For your own submissions and those visible to you. 404 if it has no score.",
        responses={200: ErrorsOut, **error_responses(401, 404, 429)},
    )
    def get(self, request: Request, pk: int) -> Response:
        found = mistakes(_visible_submission(request, pk))
        if found is None:
            raise NotFound(_("The errors of submission %(id)s are not available.") % {"id": pk})
        return Response(ErrorsOut(found).data)


class Compare(Endpoint):
    @extend_schema(
        operation_id="submissions_compare",
        summary="Compare two submissions",
        description="Each must be yours or visible to you. 404 unless both have a score on the same data set.",
        responses={200: ComparisonOut, **error_responses(401, 404, 429)},
    )
    def get(self, request: Request, pk: int, other: int) -> Response:
        comparison = compare(_visible_submission(request, pk), _visible_submission(request, other))
        if comparison is None:
            words = _("Submissions %(id)s and %(other)s were not scored on any common images.")
            raise NotFound(words % {"id": pk, "other": other})
        return Response(ComparisonOut(comparison).data)


def _visible_submission(request: Request, pk: int) -> Submission:
    """A submission of the request's own group, or one that others may read. Raises NotFound otherwise."""
    found = submission_view(pk, requesting_user(request))
    if found is None or (found.full_access and not _is_own(request, pk)):
        raise NotFound(_("There is no submission %(id)s that you can see.") % {"id": pk})
    return found.submission


def _is_own(request: Request, pk: int) -> bool:
    return own_submissions(request).filter(pk=pk).exists()
