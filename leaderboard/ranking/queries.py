"""What the board and the feed show, asked of the database in a query each."""

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

from submissions.database.keyset_pages import Key, Place, beyond, ordering
from submissions.intake.finals import finals, ranked
from submissions.models import Attempt, Event, Extension, Group, Quest, QuestState, State, Submission, User
from submissions.quests.eligibility import Entry
from submissions.quests.quotas import open_quests
from submissions.quests.visibility import Visibility, visibility_for
from submissions.requests import number

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Place(TypedDict):
        rank: int
        ranked_score: float | None
        points: int
        out_of: int

    class _Post(TypedDict):
        improved: bool

    Ranked = WithAnnotations[Submission, _Place]
    Posted = WithAnnotations[Submission, _Post]

# Columns of many kilobytes that no table shows; reading one on a row costs a query.
_HEAVY = (
    "spec",
    "notation",
    "score__errors",
    *(f"score__attempt__{name}" for name in ("epochs", "versions", "progress", "traceback", "output")),
)
_SORTED_BY: dict[str, tuple[str, type]] = {
    "train": ("score__attempt__train_s", float),
    "predict": ("score__attempt__predict_s", float),
    "parameters": ("parameters", int),
    "when": ("ranked_at", datetime),
}
SORTS = tuple(_SORTED_BY)
_OF_THE_MODEL = {"parameters"}


def published_quests(user: User | AnonymousUser | None = None) -> list[Quest]:
    """The quests there are to look at, what `user` most likely wants first: open, its own course's, newest."""
    accepting = set(Quest.objects.accepting().values_list("pk", flat=True))
    groups = list(Group.objects.filter(memberships__user=user)) if isinstance(user, User) else []
    own = {group.course_id for group in groups}
    accepting |= {quest.pk for quest, _group in open_quests(groups)}
    quests = Quest.objects.published().select_related("course")
    return sorted(quests, key=lambda quest: (quest.pk not in accepting, quest.course_id not in own))


def entry_of(quest: Quest, user: User | AnonymousUser) -> Entry | None:
    """The quest as the visitor's group may enter it, with the group's own deadline; None without a group in it."""
    group = user.group_in(quest.course) if isinstance(user, User) else None
    return Entry(quest, group) if group else None


def current_quest(asked: str = "", *, user: User | AnonymousUser | None = None) -> Quest | None:
    """The quest that a page is about: the one `asked` for by id, else the first of `published_quests`."""
    return chosen(published_quests(user), asked, user)


def chosen(quests: list[Quest], asked: str, user: User | AnonymousUser | None) -> Quest | None:
    """The quest `asked` for by id, else the first of `quests`; Http404 where `user` knows of none with that id."""
    if not asked:
        return quests[0] if quests else None
    return get_object_or_404(Quest.objects.visible_to(user).select_related("course"), pk=number(asked))


def ranks_by_private(quest: Quest) -> bool:
    """After the reveal the private part of the test images decides, where there is one."""
    return quest.is_revealed and quest.private_share > 0


def board(
    quest: Quest,
    *,
    seen: Visibility | None = None,
    family: str = "",
    hardware: int | None = None,
    device: str = "",
    best: bool = True,
    sort: str = "",
    after: Place | None = None,
) -> QuerySet[Ranked]:
    """The ranking as `seen` by a reader, or by anybody: each group's best submission, or all, that the filters leave.

    Each row has `rank`, and `ranked_score`, the accuracy that it stands by: `points` right answers `out_of` so many.
    Equal correct counts share a rank, the earlier stands first. After the reveal a group's best is that of its finals.
    `row.score.attempt` with its hardware is there without another query. `sort` is one of `SORTS`, with a minus for
    descending; anything else is by rank. `after` leaves out the rows up to that place.
    """
    points, of = ("score__private_correct", "score__private_total") if ranks_by_private(quest) else ("correct", "total")
    keys = board_keys(sort)
    seen = seen or visibility_for(quest, None)
    standing = _standing(quest, seen, family=family, hardware=hardware, device=device)
    if best:
        standing = _best(quest, standing, points)
    rows = _whole(Submission.objects.filter(pk__in=standing.values("pk"))).annotate(
        rank=Window(Rank(), order_by=F(points).desc()),
        ranked_score=Cast(points, FloatField()) / NullIf(of, 0),
        points=F(points),
        out_of=F(of),
        sorted_by=_sorted_by(sort, seen) or F(points),
    )
    if after is not None:
        # No rank is 0; but a condition on the rank is asked of the ranked rows, and not before they are ranked.
        rows = rows.filter(beyond(keys, after) | Q(rank=0))
    return rows.order_by(*ordering(keys))


def _sorted_by(sort: str, seen: Visibility) -> Expression | F | None:
    """The column that `sort` names, as far as the reader may know it; None by rank."""
    column = _SORTED_BY.get(sort.removeprefix("-"))
    if column is None:
        return None
    return seen.of_the_model(column[0]) if column[0] in _OF_THE_MODEL else F(column[0])


def _standing(
    quest: Quest, seen: Visibility, *, family: str, hardware: int | None, device: str
) -> QuerySet[Submission]:
    asked = {"family": family, "score__attempt__hardware": hardware, "score__attempt__device": device}
    wanted = {name: value for name, value in asked.items() if value}
    return ranked(quest).filter(seen.known(), **wanted)


def _known(quest: Quest, seen: Visibility | None) -> Q:
    """Which scores the reader may know of; without one, what anybody may: a frozen board is not thawed by default."""
    return (seen or visibility_for(quest, None)).known()


def public_ranks(
    quest: Quest, seen: Visibility, *, family: str = "", hardware: int | None = None, device: str = ""
) -> dict[int, int]:
    """The rank of each group, by its id, by its best public score among what the filters leave."""
    standing = _standing(quest, seen, family=family, hardware=hardware, device=device)
    bests: dict[int, int] = dict(standing.order_by().values_list("group").annotate(best=Max("correct")))
    scores = sorted(bests.values())
    better = {score: len(scores) - place for place, score in enumerate(scores, start=1)}
    return {group: better[best] + 1 for group, best in bests.items()}


def _best(quest: Quest, standing: QuerySet[Submission], points: str) -> QuerySet[Submission]:
    """The best of each group by `points`; where the private images decide, the best of its finals."""
    if ranks_by_private(quest):
        standing = standing.filter(pk__in=finals(quest).values("pk"))
    order = [F(points).desc(), F("ranked_at").asc(), F("pk").asc()]
    return standing.annotate(place=Window(RowNumber(), partition_by=F("group"), order_by=order)).filter(place=1)


def engines_mixed(rows: QuerySet[Any]) -> list[str]:
    """The engines that computed these rows, also those of other pages, where they are several."""
    engines = sorted(set(rows.order_by().values_list("score__attempt__engine", flat=True)))
    return engines if len(engines) > 1 else []


def board_keys(sort: str) -> list[Key]:
    """What the rows of `board` are ordered by."""
    by_merit = [Key("points", int, descending=True), Key("ranked_at", datetime), Key("pk", int)]
    column = _SORTED_BY.get(sort.removeprefix("-"))
    if column is None:
        return by_merit
    # A model without parameters, one whose parameters the reader may not know, and a run whose time is unknown stand
    # last either way.
    return [Key("sorted_by", column[1], descending=sort.startswith("-"), nullable=True), *by_merit]


def _whole(rows: QuerySet[Submission]) -> QuerySet[Submission]:
    return rows.select_related("group", "score__attempt__hardware").defer(*_HEAVY)


FEED_KEYS = [Key("finished_at", datetime, descending=True), Key("pk", int, descending=True)]


def feed(quest: Quest, *, seen: Visibility | None = None, after: Place | None = None) -> QuerySet[Posted]:
    """Every competing score that the reader may know of, newest first.

    `improved` where it was its group's best when it came in, by public scores, as everyone saw them then.
    `row.score.attempt` with its hardware is there without another query.
    """
    so_far = Window(
        Max("correct"),
        partition_by=F("group"),
        order_by=[F("finished_at").asc(), F("pk").asc()],
        frame=RowRange(end=-1),
    )
    scored = _whole(Submission.objects.filter(_known(quest, seen), quest=quest).scored().competing())
    if after is not None:
        # The rows that are left out are newer: whether an older one was a best does not depend on them.
        scored = scored.filter(beyond(FEED_KEYS, after))
    return scored.annotate(improved=GreaterThan(F("correct"), Coalesce(so_far, -1))).order_by(*ordering(FEED_KEYS))


def record(seen: Visibility) -> Submission | None:
    """The best public score that the reader may know of: of equals, the one that came in first."""
    scores = ranked(seen.quest).filter(seen.known()).select_related("group")
    return scores.order_by("-correct", "finished_at", "pk").first()


@dataclass(frozen=True, slots=True)
class HardwareChoice:
    """A choice of the hardware filter: a machine as it was used, by its processor or its GPU."""

    hardware: int
    device: str
    label: str

    @property
    def value(self) -> str:
        return f"{self.hardware}-{self.device}"


def hardware_choices(quest: Quest, seen: Visibility | None = None) -> list[HardwareChoice]:
    """The hardware that the scores which the reader may know of were computed on."""
    scored = Submission.objects.filter(_known(quest, seen), quest=quest).scored()
    one_of_each = (
        Attempt.objects.filter(score__submission__in=scored)
        .values("hardware", "device")
        .annotate(example=Max("pk"))
        .values("example")
        .order_by()
    )
    known = Attempt.objects.filter(pk__in=one_of_each).select_related("hardware").defer("epochs", "traceback", "output")
    return sorted(
        (HardwareChoice(attempt.hardware_id, attempt.device, attempt.hardware_label) for attempt in known),
        key=lambda machine: (machine.label, machine.value),
    )


@dataclass(frozen=True, slots=True)
class BoardSnapshot:
    """How a quest stands at a moment; `etag` differs whenever something that a page shows has changed."""

    running: int
    queued: int
    scored: int
    groups: int
    phase: str
    etag: str


def snapshot(quest: Quest, seen: Visibility | None = None) -> BoardSnapshot:
    """Two cheap queries: what a page that polls asks first, about every second.

    The counts are part of the etag, since the last event's id alone is not enough: on Postgres a lower id can be
    committed after a higher one was seen.
    """
    seen = seen or visibility_for(quest, None)
    counted = Q(seen.known(), state=State.SCORED, out_of_competition=False)
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
    shown = [quest.name, quest.opens_at, quest.closes_at, quest.time_zone, quest.announcement, quest.state]
    text = json.dumps([last, *states.values(), phase(quest), *shown, *seen.version, str(seen.today)], default=str)
    return BoardSnapshot(**states, phase=phase(quest), etag=hashlib.blake2b(text.encode(), digest_size=6).hexdigest())


def phase(quest: Quest) -> str:
    """A quest's state; but one that is open in name is `upcoming` before its opening time, and `over` after its end."""
    now = timezone.now()
    if quest.state == QuestState.OPEN and quest.opens_at and quest.opens_at > now:
        return "upcoming"
    if quest.state == QuestState.OPEN and quest.closes_at and quest.closes_at <= now:
        return "over"
    return quest.state
