"""Public endpoints for the board and the feed, with the same queries as their pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from leaderboard.ranking import movement, queries
from leaderboard.ranking.feed_lines import feed_line
from submissions.api import cursors
from submissions.api.conditional import ETAG, IF_NONE_MATCH, UNCHANGED, etag_of, not_modified_or
from submissions.api.cursors import PagedQuery
from submissions.api.endpoint import PublicEndpoint, validated
from submissions.api.error_schema import error_responses
from submissions.api.fields import BIGGEST_ID, QuestField
from submissions.api.representations import Seconds
from submissions.database.keyset_pages import Key
from submissions.models import Device, Quest, Submission
from submissions.quests.visibility import Visibility, visibility_for
from submissions.results.wilson import wilson
from submissions.specs.families import all_families

RUN_DEVICES = [(Device.CPU.value, Device.CPU.label), (Device.GPU.value, Device.GPU.label)]
SORTS = [*queries.SORTS, *(f"-{name}" for name in queries.SORTS)]


class FeedQuery(PagedQuery):
    quest = QuestField(required=False, help_text="A quest's id or name. Default: the quest that the board shows first.")
    limit = serializers.IntegerField(default=200, min_value=1, max_value=1000, help_text="Maximum number of rows.")


class BoardQuery(FeedQuery):
    family = serializers.CharField(default="", allow_blank=True, help_text="knn, forest or cnn.")
    hardware = serializers.IntegerField(
        default=None, min_value=1, max_value=BIGGEST_ID, help_text="An id from `hardware/`."
    )
    device = serializers.ChoiceField(
        RUN_DEVICES, default="", allow_blank=True, help_text="The device that the run used."
    )
    show = serializers.ChoiceField(
        [("best", "each group's best"), ("all", "every score")],
        default="best",
        help_text="Each group's best submission, or all.",
    )
    sort = serializers.ChoiceField(
        SORTS, default="", allow_blank=True, help_text="Default: by rank. A leading minus sorts in descending order."
    )

    def validate_family(self, name: str) -> str:
        known = [family.name for family in all_families()]
        if name and name not in known:
            words = _("There is no family %(name)r. The families are %(known)s.")
            raise serializers.ValidationError(words % {"name": name[:60], "known": ", ".join(known)})
        return name


class RunTimes(serializers.Serializer[Any]):
    """Durations of the scored attempt in seconds."""

    train = Seconds("train_s", "Training, without imports and data loading.")
    predict = Seconds("predict_s", "Scoring.")
    stock_predicted = Seconds(
        "stock_predicted_s",
        "Estimated training and scoring time on the stock engine; null for runs on that engine.",
    )


class IntervalOut(serializers.Serializer[Any]):
    """A 95% Wilson confidence interval of an accuracy."""

    low = serializers.FloatField()
    high = serializers.FloatField()


def _interval(correct: int, total: int) -> dict[str, float]:
    low, high = wilson(correct, total)
    return {"low": low, "high": high}


class ScoredRow(serializers.Serializer[Submission]):
    """A scored submission as the reader may see it on the board or in the feed."""

    submission = serializers.IntegerField(source="pk")
    group = serializers.SerializerMethodField(help_text="The group's name, or its pseudonym if the quest hides names.")
    score = serializers.FloatField(source="accuracy", help_text="Public accuracy, 0 to 1.")
    correct = serializers.IntegerField()
    total = serializers.IntegerField()
    interval = serializers.SerializerMethodField(help_text="95% Wilson confidence interval of `score`.")
    model = serializers.SerializerMethodField(
        help_text="The first statement of the model's notation; null while the model is hidden from you."
    )
    model_hidden = serializers.SerializerMethodField(
        help_text="If `model` is null, when it will be shown, in words; otherwise null."
    )
    family = serializers.CharField()
    parameters = serializers.SerializerMethodField(
        help_text="A network's total of trainable and fixed parameters; null while the model is hidden from you."
    )
    device = serializers.ChoiceField(RUN_DEVICES, source="score.attempt.device", help_text="The device that it ran on.")
    engine = serializers.CharField()
    engine_version = serializers.CharField(source="score.attempt.engine_version")
    hardware = serializers.CharField(source="score.attempt.hardware_label")
    hardware_id = serializers.IntegerField(source="score.attempt.hardware_id")
    timing = RunTimes(source="score.attempt")
    finished_at = serializers.DateTimeField()

    @property
    def _visibility(self) -> Visibility:
        return self.context["visibility"]

    def get_group(self, row: Submission) -> str:
        return self._visibility.name(row.group)

    @extend_schema_field(IntervalOut)
    def get_interval(self, row: Submission) -> dict[str, float]:
        return _interval(row.correct or 0, row.total or 0)

    def get_parameters(self, row: Submission) -> int | None:
        return self._visibility.parameters(row)

    def get_model(self, row: Submission) -> str | None:
        return row.headline if self._visibility.shows_model(row) else None

    def get_model_hidden(self, row: Submission) -> str | None:
        return None if self._visibility.shows_model(row) else self._visibility.models_shown_when


class BoardRow(ScoredRow):
    rank = serializers.IntegerField(help_text="Rank among the filtered rows; equal scores share a rank.")
    rank_before = serializers.SerializerMethodField(
        help_text="The group's rank when the day began in the quest's time zone; after the reveal, its rank by public "
        "scores. Null if it had none, and with `show=all`."
    )
    private_score = serializers.SerializerMethodField(
        help_text="Accuracy on the private images, which decides the rank after the reveal; null before."
    )
    private_interval = serializers.SerializerMethodField(help_text="95% Wilson confidence interval of `private_score`.")
    submitted_at = serializers.DateTimeField(
        source="ranked_at", help_text="Submission time; of equal scores, the earlier is listed first."
    )

    def get_rank_before(self, row: Submission) -> int | None:
        return self.context["ranks_before"].get(row.group_id)

    def get_private_score(self, row: Submission) -> float | None:
        return row.score.private_accuracy if self._visibility.quest.is_revealed else None

    @extend_schema_field(IntervalOut(allow_null=True))
    def get_private_interval(self, row: Submission) -> dict[str, float] | None:
        shown = self._visibility.quest.is_revealed and row.score.private_total
        return _interval(row.score.private_correct, row.score.private_total) if shown else None


class FeedRow(ScoredRow):
    text = serializers.SerializerMethodField(help_text="The line shown in the feed.")
    best = serializers.BooleanField(
        source="improved", help_text="Whether it was its group's best score so far when it was scored."
    )

    def get_text(self, row: Any) -> str:
        return str(feed_line(row, self._visibility))


class Listing(serializers.Serializer[Any]):
    quest = serializers.IntegerField(allow_null=True, help_text="Null if no quest has been published.")
    quest_name = serializers.CharField(allow_null=True)
    dataset = serializers.CharField(allow_null=True)
    next = serializers.URLField(allow_null=True, help_text="URL of the next page; null on the last page.")

    frozen_at = serializers.DateTimeField(
        allow_null=True, help_text="If the board is frozen for you, the time that these rows are from; otherwise null."
    )


class BoardListing(Listing):
    results = BoardRow(many=True)


class FeedListing(Listing):
    results = FeedRow(many=True)


class Leaderboard(PublicEndpoint):
    @extend_schema(
        operation_id="leaderboard_retrieve",
        summary="The ranking",
        parameters=[BoardQuery, IF_NONE_MATCH, ETAG],
        responses={200: BoardListing, **UNCHANGED, **error_responses(400, 401, 429)},
    )
    def get(self, request: Request) -> Response:
        params = validated(BoardQuery, request.query_params, request)
        filters = {name: params[name] for name in ("family", "hardware", "device")}
        best = params["show"] == "best"
        board = partial(queries.board, best=best, sort=params["sort"], **filters)
        ranks_before = partial(movement.ranks_before, **filters) if best else _no_earlier_ranks
        return _listing(request, params, board, queries.board_keys(params["sort"]), BoardRow, ranks_before)


class Feed(PublicEndpoint):
    @extend_schema(
        operation_id="feed_retrieve",
        summary="The feed, newest first",
        parameters=[FeedQuery, IF_NONE_MATCH, ETAG],
        responses={200: FeedListing, **UNCHANGED, **error_responses(400, 401, 429)},
    )
    def get(self, request: Request) -> Response:
        params = validated(FeedQuery, request.query_params, request)
        return _listing(request, params, queries.feed, queries.FEED_KEYS, FeedRow)


def _no_earlier_ranks(quest: Quest, visibility: Visibility) -> dict[int, int]:
    return {}


def _listing(
    request: Request,
    params: dict[str, Any],
    rows: Callable[..., QuerySet[Submission]],
    keys: Sequence[Key],
    serializer_class: Callable[..., Any],
    ranks_before: Callable[[Quest, Visibility], dict[int, int]] = _no_earlier_ranks,
) -> Response:
    quest = params.get("quest") or queries.current_quest(user=request.user)
    place = cursors.read(params, keys)
    if quest is None:
        return Response({"results": [], **dict.fromkeys(("quest", "quest_name", "dataset", "next", "frozen_at"))})
    visibility = visibility_for(quest, request.user)

    def body() -> dict[str, Any]:
        one_more = rows(quest, visibility=visibility, after=place)[: params["limit"] + 1]
        found, next_url = cursors.page(request, one_more, keys, limit=params["limit"])
        context = {"visibility": visibility, "ranks_before": ranks_before(quest, visibility)}
        results = serializer_class(found, many=True, context=context).data
        head = {"quest": quest.pk, "quest_name": quest.name, "dataset": quest.dataset}
        return {**head, "frozen_at": visibility.as_of, "next": next_url, "results": results}

    return not_modified_or(
        request, etag_of(settings.QUEST_VERSION, quest.pk, queries.snapshot(quest, visibility).etag), body
    )
