"""Board and feed for programs: the same queries as the pages, for anyone to read."""

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
from submissions.api.conditional import ETAG, IF_NONE_MATCH, UNCHANGED, etag_of, unless_unchanged
from submissions.api.cursors import Paged
from submissions.api.endpoint import PublicEndpoint, checked
from submissions.api.error_schema import refused
from submissions.api.fields import BIGGEST_ID, QuestField
from submissions.api.representations import Seconds
from submissions.database.keyset_pages import Key
from submissions.models import Device, Quest, Submission
from submissions.quests.visibility import Visibility, visibility_for
from submissions.results.wilson import wilson
from submissions.specs.families import all_families

RUN_DEVICES = [(Device.CPU.value, Device.CPU.label), (Device.GPU.value, Device.GPU.label)]
SORTS = [*queries.SORTS, *(f"-{name}" for name in queries.SORTS)]


class FeedQuery(Paged):
    quest = QuestField(required=False, help_text="Its id or name; left out: the one that the board opens with.")
    limit = serializers.IntegerField(default=200, min_value=1, max_value=1000, help_text="Rows at most.")


class BoardQuery(FeedQuery):
    family = serializers.CharField(default="", allow_blank=True, help_text="knn, forest or cnn.")
    hardware = serializers.IntegerField(
        default=None, min_value=1, max_value=BIGGEST_ID, help_text="An id of `hardware/`."
    )
    device = serializers.ChoiceField(
        RUN_DEVICES, default="", allow_blank=True, help_text="What the run was computed on."
    )
    show = serializers.ChoiceField(
        [("best", "each group's best"), ("all", "every score")], default="best", help_text="Rows of each group."
    )
    sort = serializers.ChoiceField(
        SORTS, default="", allow_blank=True, help_text="Left out: by rank. A minus sorts descending."
    )

    def validate_family(self, name: str) -> str:
        known = [family.name for family in all_families()]
        if name and name not in known:
            words = _("There is no family %(name)r; there are %(known)s.")
            raise serializers.ValidationError(words % {"name": name[:60], "known": ", ".join(known)})
        return name


class RunTimes(serializers.Serializer[Any]):
    """Seconds of the attempt that was scored."""

    train = Seconds("train_s", "Training, without import and data loading.")
    predict = Seconds("predict_s", "Scoring.")
    stock_predicted = Seconds(
        "stock_predicted_s", "Predicted: both together on the stock engine; null for a run on it."
    )


class IntervalOut(serializers.Serializer[Any]):
    """The 95% interval of an accuracy, after Wilson."""

    low = serializers.FloatField()
    high = serializers.FloatField()


def _interval(correct: int, total: int) -> dict[str, float]:
    low, high = wilson(correct, total)
    return {"low": low, "high": high}


class ScoredRow(serializers.Serializer[Submission]):
    """What the board shows of a submission, as far as the quest lets who asks see it."""

    submission = serializers.IntegerField(source="pk")
    group = serializers.SerializerMethodField(help_text="Its name, or its pseudonym where the quest hides the names.")
    score = serializers.FloatField(source="accuracy", help_text="Public accuracy, 0 to 1.")
    correct = serializers.IntegerField()
    total = serializers.IntegerField()
    interval = serializers.SerializerMethodField(help_text="The 95% interval of `score`, after Wilson.")
    model = serializers.SerializerMethodField(
        help_text="The first statement of the model's notation; null while the quest does not show it to you."
    )
    model_hidden = serializers.SerializerMethodField(
        help_text="Where `model` is null: when it is shown, in words; else null."
    )
    family = serializers.CharField()
    parameters = serializers.SerializerMethodField(
        help_text="Of a network, trainable and fixed; null while the quest does not show you the model."
    )
    device = serializers.ChoiceField(RUN_DEVICES, source="score.attempt.device", help_text="What it ran on.")
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
    rank = serializers.IntegerField(help_text="Among the rows that the filters leave; equal scores share one.")
    rank_before = serializers.SerializerMethodField(
        help_text="The group's rank when the day began in the quest's zone; after the reveal that by public scores. "
        "Null where it had none, and with `show=all`."
    )
    private_score = serializers.SerializerMethodField(
        help_text="Accuracy on the private images, after the reveal; then it decides the rank."
    )
    private_interval = serializers.SerializerMethodField(help_text="The 95% interval of `private_score`.")
    submitted_at = serializers.DateTimeField(source="ranked_at", help_text="What decides between equal scores.")

    def get_rank_before(self, row: Submission) -> int | None:
        return self.context["before"].get(row.group_id)

    def get_private_score(self, row: Submission) -> float | None:
        return row.score.private_accuracy if self._visibility.quest.is_revealed else None

    @extend_schema_field(IntervalOut(allow_null=True))
    def get_private_interval(self, row: Submission) -> dict[str, float] | None:
        shown = self._visibility.quest.is_revealed and row.score.private_total
        return _interval(row.score.private_correct, row.score.private_total) if shown else None


class FeedRow(ScoredRow):
    text = serializers.SerializerMethodField(help_text="The line as the feed has it.")
    best = serializers.BooleanField(source="improved", help_text="It was its group's best when it came in.")

    def get_text(self, row: Any) -> str:
        return str(feed_line(row, self._visibility))


class Listing(serializers.Serializer[Any]):
    quest = serializers.IntegerField(allow_null=True, help_text="Null where no quest has been published.")
    quest_name = serializers.CharField(allow_null=True)
    dataset = serializers.CharField(allow_null=True)
    next = serializers.URLField(allow_null=True, help_text="Where the next rows are; null at the end.")

    frozen_at = serializers.DateTimeField(
        allow_null=True, help_text="Where the board is frozen: these are the rows as they stood then."
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
        responses={200: BoardListing, **UNCHANGED, **refused(400, 401, 429)},
    )
    def get(self, request: Request) -> Response:
        asked = checked(BoardQuery, request.query_params, request)
        filters = {name: asked[name] for name in ("family", "hardware", "device")}
        best = asked["show"] == "best"
        board = partial(queries.board, best=best, sort=asked["sort"], **filters)
        before = partial(movement.ranks_before, **filters) if best else _nothing_before
        return _listing(request, asked, board, queries.board_keys(asked["sort"]), BoardRow, before)


class Feed(PublicEndpoint):
    @extend_schema(
        operation_id="feed_retrieve",
        summary="The chronicle, newest first",
        parameters=[FeedQuery, IF_NONE_MATCH, ETAG],
        responses={200: FeedListing, **UNCHANGED, **refused(400, 401, 429)},
    )
    def get(self, request: Request) -> Response:
        asked = checked(FeedQuery, request.query_params, request)
        return _listing(request, asked, queries.feed, queries.FEED_KEYS, FeedRow)


def _nothing_before(quest: Quest, visibility: Visibility) -> dict[int, int]:
    return {}


def _listing(
    request: Request,
    asked: dict[str, Any],
    rows: Callable[..., QuerySet[Submission]],
    keys: Sequence[Key],
    shape: Callable[..., Any],
    before: Callable[[Quest, Visibility], dict[int, int]] = _nothing_before,
) -> Response:
    quest = asked.get("quest") or queries.current_quest(user=request.user)
    place = cursors.read(asked, keys)
    if quest is None:
        return Response({"results": [], **dict.fromkeys(("quest", "quest_name", "dataset", "next", "frozen_at"))})
    visibility = visibility_for(quest, request.user)

    def body() -> dict[str, Any]:
        reach = rows(quest, visibility=visibility, after=place)[: asked["limit"] + 1]
        found, following = cursors.page(request, reach, keys, limit=asked["limit"])
        results = shape(found, many=True, context={"visibility": visibility, "before": before(quest, visibility)}).data
        named = {"quest": quest.pk, "quest_name": quest.name, "dataset": quest.dataset}
        return {**named, "frozen_at": visibility.as_of, "next": following, "results": results}

    return unless_unchanged(
        request, etag_of(settings.QUEST_VERSION, quest.pk, queries.snapshot(quest, visibility).etag), body
    )
