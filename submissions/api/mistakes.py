"""What a submission got wrong, and how two of them differ: until the reveal on the public images alone."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from submissions.api.endpoint import Endpoint
from submissions.api.error_schema import refused
from submissions.api.requester import own_submissions, who
from submissions.models import Submission
from submissions.quests.readers import submission_view
from submissions.results.comparison import Comparison, compare
from submissions.results.mistakes import CLASSES, Mistake, Mistakes, mistakes


class MistakeOut(serializers.Serializer[Mistake]):
    index = serializers.IntegerField(help_text="Of the image, in the data set's test part.")
    true = serializers.IntegerField(source="truth", help_text="The class that it is.")
    given = serializers.IntegerField(help_text="The class that the model read.")


class ErrorsOut(serializers.Serializer[Mistakes]):
    """The errors that may be told of."""

    images = serializers.IntegerField(help_text="How many test images this speaks of.")
    correct = serializers.IntegerField(source="right")
    confusion = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=CLASSES, max_length=CLASSES),
        source="counts",
        min_length=CLASSES,
        max_length=CLASSES,
        help_text="A row for each true class, a column for each answer.",
    )
    errors = MistakeOut(many=True, source="of")  # type: ignore[assignment]


class ComparisonOut(serializers.Serializer[Comparison]):
    """Two submissions on the images that may be told of for both."""

    images = serializers.IntegerField(help_text="How many test images this speaks of.")
    both = serializers.IntegerField(help_text="Images that both got right.")
    neither = serializers.IntegerField(help_text="Images that neither got right.")
    only_first = MistakeOut(many=True, help_text="What the first alone got right, with the second's answers.")
    only_second = MistakeOut(many=True, help_text="What the second alone got right, with the first's answers.")
    difference = serializers.FloatField(help_text="The first's accuracy less the second's.")
    p = serializers.FloatField(help_text="McNemar's exact test, two-sided.")


class Errors(Endpoint):
    @extend_schema(
        operation_id="submissions_errors",
        summary="What a submission got wrong",
        description="Yours, or one that others may read. 404 without a score.",
        responses={200: ErrorsOut, **refused(401, 404, 429)},
    )
    def get(self, request: Request, pk: int) -> Response:
        found = mistakes(_readable(request, pk))
        if found is None:
            raise NotFound(_("Nothing is known of the errors of submission %(id)s.") % {"id": pk})
        return Response(ErrorsOut(found).data)


class Compare(Endpoint):
    @extend_schema(
        operation_id="submissions_compare",
        summary="Two submissions beside each other",
        description="Each yours, or one that others may read. 404 unless both have a score on the same data set.",
        responses={200: ComparisonOut, **refused(401, 404, 429)},
    )
    def get(self, request: Request, pk: int, other: int) -> Response:
        comparison = compare(_readable(request, pk), _readable(request, other))
        if comparison is None:
            words = _("Submissions %(id)s and %(other)s have no images in common that they were scored on.")
            raise NotFound(words % {"id": pk, "other": other})
        return Response(ComparisonOut(comparison).data)


def _readable(request: Request, pk: int) -> Submission:
    """One of what the request may see whole – a token's group's – or of what others may read."""
    found = submission_view(pk, who(request))
    if found is None or (found.whole and not _is_own(request, pk)):
        raise NotFound(_("There is no submission %(id)s that you may read.") % {"id": pk})
    return found.submission


def _is_own(request: Request, pk: int) -> bool:
    return own_submissions(request).filter(pk=pk).exists()
