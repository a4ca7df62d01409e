"""The database queries behind the board and the feed, one query each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Expression, F, FloatField, Max, Q, QuerySet, RowRange, Subquery, Window
from django.db.models.functions import Cast, Coalesce, NullIf, Rank, RowNumber
from django.db.models.lookups import GreaterThan
from django.shortcuts import get_object_or_404
from django.utils import timezone

from leaderboard.ranking.rows import HEAVY_RUN_COLUMNS, with_scored_run
from submissions.database.keyset_pages import Key, Place, beyond, ordering
from submissions.intake.finals import finals, ranked
from submissions.models import Attempt, Event, Extension, Group, Quest, QuestState, State, Submission, User
from submissions.quests.eligibility import Entry
from submissions.quests.quotas import open_quests
from submissions.quests.visibility import Visibility, visibility_for
from submissions.requests import number

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _RankColumns(TypedDict):
        rank: int
        ranked_score: float | None
        points: int
        out_of: int

    class _FeedColumns(TypedDict):
        improved: bool

    RankedSubmission = WithAnnotations[Submission, _RankColumns]
    FeedSubmission = WithAnnotations[Submission, _FeedColumns]

_SORT_COLUMNS: dict[str, tuple[str, type]] = {
    "train": ("score__attempt__train_s", float),
    "predict": ("score__attempt__predict_s", float),
    "parameters": ("parameters", int),
    "when": ("ranked_at", datetime),
}
SORTS = tuple(_SORT_COLUMNS)
_HIDDEN_WITH_MODEL = {"parameters"}


def published_quests(user: User | AnonymousUser | None = None) -> list[Quest]:
    """All published quests: open ones first, then those of the user's own courses, then the newest."""
    accepting = set(Quest.objects.accepting().values_list("pk", flat=True))
    groups = list(Group.objects.filter(memberships__user=user)) if isinstance(user, User) else []
    own = {group.course_id for group in groups}
    accepting |= {quest.pk for quest, _group in open_quests(groups)}
    quests = Quest.objects.published().select_related("course")
    return sorted(quests, key=lambda quest: (quest.pk not in accepting, quest.course_id not in own))


def entry_of(quest: Quest, user: User | AnonymousUser) -> Entry | None:
    """The quest with the terms of the visitor's group, such as its deadline; None without a group in the course."""
    group = user.group_in(quest.course) if isinstance(user, User) else None
    return Entry(quest, group) if group else None


def current_quest(asked: str = "", *, user: User | AnonymousUser | None = None) -> Quest | None:
    """The quest with the id `asked`, else the first of `published_quests`; Http404 if the user may not see that id."""
    return chosen(published_quests(user), asked, user)


def chosen(quests: list[Quest], asked: str, user: User | AnonymousUser | None) -> Quest | None:
    """The quest with the id `asked`, else the first of `quests`; Http404 if the user may not see that id."""
    if not asked:
        return quests[0] if quests else None
    return get_object_or_404(Quest.objects.visible_to(user).select_related("course"), pk=number(asked))


def ranks_by_private(quest: Quest) -> bool:
    """Whether the private test images decide the ranking: after the reveal, if the quest has any."""
    return quest.is_revealed and quest.private_share > 0


def board(
    quest: Quest,
    *,
    visibility: Visibility | None = None,
    family: str = "",
    hardware: int | None = None,
    device: str = "",
    best: bool = True,
    sort: str = "",
    after: Place | None = None,
) -> QuerySet[RankedSubmission]:
    """The filtered ranking: each group's best submission, or with `best=False` every one.

    Without `visibility`, only what is public. Each row has a `rank`, the `ranked_score` (an accuracy) behind it,
    and that score's numerator and denominator, `points` and `out_of`. Equal counts share a rank, the earlier submission
    first. After the reveal a group's best is the best of its finals. `row.score.attempt` and its hardware need no
    further query. `sort` is one of `SORTS`, with a minus for descending order; anything else sorts by rank. Rows up to
    the place `after` are left out.
    """
    points, total = (
        ("score__private_correct", "score__private_total") if ranks_by_private(quest) else ("correct", "total")
    )
    keys = board_keys(sort)
    visibility = visibility or visibility_for(quest, None)
    competing = _competing(quest, visibility, family=family, hardware=hardware, device=device)
    if best:
        competing = _best_of_groups(quest, competing, points)
    rows = with_scored_run(Submission.objects.filter(pk__in=competing.values("pk"))).annotate(
        rank=Window(Rank(), order_by=F(points).desc()),
        ranked_score=Cast(points, FloatField()) / NullIf(total, 0),
        points=F(points),
        out_of=F(total),
        sorted_by=_sort_column(sort, visibility) or F(points),
    )
    if after is not None:
        # No rank is 0, but naming the rank makes the database filter the rows after ranking them, not before.
        rows = rows.filter(beyond(keys, after) | Q(rank=0))
    return rows.order_by(*ordering(keys))


def _sort_column(sort: str, visibility: Visibility) -> Expression | F | None:
    """The column that `sort` names, with null where the reader may not see its value; None for the rank."""
    column = _SORT_COLUMNS.get(sort.removeprefix("-"))
    if column is None:
        return None
    return visibility.model_column(column[0]) if column[0] in _HIDDEN_WITH_MODEL else F(column[0])


def _competing(
    quest: Quest, visibility: Visibility, *, family: str, hardware: int | None, device: str
) -> QuerySet[Submission]:
    """The ranked submissions that the reader may see and that pass the filters."""
    asked = {"family": family, "score__attempt__hardware": hardware, "score__attempt__device": device}
    filters = {name: value for name, value in asked.items() if value}
    return ranked(quest).filter(visibility.known(), **filters)


def _known(quest: Quest, visibility: Visibility | None) -> Q:
    """Which scores the reader may see. Without `visibility`, those that anybody may: a frozen board stays frozen."""
    return (visibility or visibility_for(quest, None)).known()


def public_ranks(
    quest: Quest, visibility: Visibility, *, family: str = "", hardware: int | None = None, device: str = ""
) -> dict[int, int]:
    """Group id → rank, by each group's best public score among the filtered submissions."""
    competing = _competing(quest, visibility, family=family, hardware=hardware, device=device)
    bests: dict[int, int] = dict(competing.order_by().values_list("group").annotate(best=Max("correct")))
    scores = sorted(bests.values())
    better = {score: len(scores) - place for place, score in enumerate(scores, start=1)}
    return {group: better[best] + 1 for group, best in bests.items()}


def _best_of_groups(quest: Quest, rows: QuerySet[Submission], points: str) -> QuerySet[Submission]:
    """Each group's best by `points`; where the private images decide, the best of its finals."""
    if ranks_by_private(quest):
        rows = rows.filter(pk__in=finals(quest).values("pk"))
    order = [F(points).desc(), F("ranked_at").asc(), F("pk").asc()]
    return rows.annotate(place=Window(RowNumber(), partition_by=F("group"), order_by=order)).filter(place=1)


def engines_mixed(rows: QuerySet[Any]) -> list[str]:
    """The engines that computed these rows, on all pages; empty if there is only one."""
    engines = sorted(set(rows.order_by().values_list("score__attempt__engine", flat=True)))
    return engines if len(engines) > 1 else []


def board_keys(sort: str) -> list[Key]:
    """The sort keys of `board` for this `sort`."""
    by_rank = [Key("points", int, descending=True), Key("ranked_at", datetime), Key("pk", int)]
    column = _SORT_COLUMNS.get(sort.removeprefix("-"))
    if column is None:
        return by_rank
    # Unknown values come last in both orders: models without parameters, or with parameters hidden from the reader,
    # and runs without a known time.
    return [Key("sorted_by", column[1], descending=sort.startswith("-"), nullable=True), *by_rank]


FEED_KEYS = [Key("finished_at", datetime, descending=True), Key("pk", int, descending=True)]


def feed(quest: Quest, *, visibility: Visibility | None = None, after: Place | None = None) -> QuerySet[FeedSubmission]:
    """Every competing score that the reader may see, newest first.

    `improved` is true where the score was its group's best public score so far. `row.score.attempt` and its
    hardware need no further query.
    """
    best_before = Window(
        Max("correct"),
        partition_by=F("group"),
        order_by=[F("finished_at").asc(), F("pk").asc()],
        frame=RowRange(end=-1),
    )
    scored = with_scored_run(Submission.objects.filter(_known(quest, visibility), quest=quest).scored().competing())
    if after is not None:
        # Rows left out are newer, so they do not change whether an older score was its group's best.
        scored = scored.filter(beyond(FEED_KEYS, after))
    return scored.annotate(improved=GreaterThan(F("correct"), Coalesce(best_before, -1))).order_by(*ordering(FEED_KEYS))


def record(visibility: Visibility) -> Submission | None:
    """The submission with the best public score that the reader may see; of equals, the first that came in."""
    scores = ranked(visibility.quest).filter(visibility.known()).select_related("group")
    return scores.order_by("-correct", "finished_at", "pk").first()


@dataclass(frozen=True, slots=True)
class HardwareChoice:
    """A choice of the hardware filter: a machine, used by its CPU or its GPU."""

    hardware: int
    device: str
    label: str

    @property
    def value(self) -> str:
        return f"{self.hardware}-{self.device}"


def hardware_choices(quest: Quest, visibility: Visibility | None = None) -> list[HardwareChoice]:
    """The hardware behind the scores that the reader may see, sorted by label."""
    scored = Submission.objects.filter(_known(quest, visibility), quest=quest).scored()
    one_of_each = (
        Attempt.objects.filter(score__submission__in=scored)
        .values("hardware", "device")
        .annotate(example=Max("pk"))
        .values("example")
        .order_by()
    )
    known = Attempt.objects.filter(pk__in=one_of_each).select_related("hardware").defer(*HEAVY_RUN_COLUMNS)
    return sorted(
        (HardwareChoice(attempt.hardware_id, attempt.device, attempt.hardware_label) for attempt in known),
        key=lambda machine: (machine.label, machine.value),
    )


@dataclass(frozen=True, slots=True)
class BoardSnapshot:
    """A quest's counts and phase at a moment; `etag` changes whenever something on its pages changes."""

    running: int
    queued: int
    scored: int
    groups: int
    phase: str
    etag: str


def snapshot(quest: Quest, visibility: Visibility | None = None) -> BoardSnapshot:
    """The quest's snapshot, in two cheap queries: every page that polls asks for it about once a second.

    The etag includes the counts because the newest event's id is not enough. On Postgres:

    1. Transaction A inserts event 7 and is not committed yet.
    2. Transaction B inserts and commits event 8; a page reads 8 as the newest.
    3. A commits. The newest id is still 8, but the counts have changed.
    """
    visibility = visibility or visibility_for(quest, None)
    counted = Q(visibility.known(), state=State.SCORED, out_of_competition=False)
    states: dict[str, Any] = Submission.objects.filter(quest=quest).aggregate(
        running=Count("pk", filter=Q(state=State.RUNNING)),
        queued=Count("pk", filter=Q(state=State.QUEUED)),
        scored=Count("pk", filter=counted),
        groups=Count("group", filter=counted, distinct=True),
    )
    events = Event.objects.filter(submission__quest=quest).order_by("-pk")
    granted = Extension.objects.filter(quest=quest).order_by("-pk")
    newest = [Subquery(rows.values("pk")[:1]) for rows in (events, granted)]
    last = Quest.objects.filter(pk=quest.pk).values_list(*newest).first()
    settings = [quest.name, quest.opens_at, quest.closes_at, quest.time_zone, quest.announcement, quest.state]
    text = json.dumps(
        [last, *states.values(), phase(quest), *settings, *visibility.version, str(visibility.today)], default=str
    )
    return BoardSnapshot(**states, phase=phase(quest), etag=hashlib.blake2b(text.encode(), digest_size=6).hexdigest())


def phase(quest: Quest) -> str:
    """A quest's state; an open quest is `upcoming` before its opening time and `over` after its closing time."""
    now = timezone.now()
    if quest.state == QuestState.OPEN and quest.opens_at and quest.opens_at > now:
        return "upcoming"
    if quest.state == QuestState.OPEN and quest.closes_at and quest.closes_at <= now:
        return "over"
    return quest.state
