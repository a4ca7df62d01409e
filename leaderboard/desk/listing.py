"""The submissions that the desk lists: filters, order, and rows with their runs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, FloatField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast
from django.http import QueryDict
from django.utils.translation import gettext as _

from leaderboard.ranking.rows import with_runs
from submissions.models import LIVE, Attempt, Event, Hardware, Quest, State, Submission
from submissions.requests import number
from submissions.specs.families import all_families

_RUN_COLUMNS = {"waiting": "queue_wait_s", "training": "train_s", "scoring": "predict_s", "attempts": "number"}
_OWN_COLUMNS = {"submitted": "pk", "group": "group__name", "state": "state", "score": "accuracy_so_far"}
SORTS = (*_OWN_COLUMNS, *_RUN_COLUMNS)
NEWEST = "-submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFilters:
    """The filters and the order in the desk's address. Invalid values are ignored."""

    quest: int | None = None
    group: str = ""
    family: str = ""
    state: str = ""
    hardware: int | None = None
    sort: str = NEWEST

    @classmethod
    def read(cls, asked: QueryDict) -> Self:
        family, state, sort = asked.get("family", ""), asked.get("state", ""), asked.get("sort", "")
        return cls(
            quest=number(asked.get("quest", "")),
            group=asked.get("group", "").replace("\0", "").strip()[:60],
            family=family if family in {one.name for one in all_families()} else "",
            state=state if state in {*State.values, "live"} else "",
            hardware=number(asked.get("hardware", "")),
            sort=sort if sort.removeprefix("-") in SORTS else NEWEST,
        )

    def query(self, **changes: Any) -> str:
        """The same filters as a query string, with `changes`."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)} | changes
        parts["sort"] = "" if parts["sort"] == NEWEST else parts["sort"]
        return urlencode({name: value for name, value in parts.items() if value})

    def rows(self) -> QuerySet[Submission]:
        """The filtered submissions, sorted, with their runs."""
        return with_runs(self._ordered(self._filtered(Submission.objects.all())))

    def _filtered(self, rows: QuerySet[Submission]) -> QuerySet[Submission]:
        exact = {"quest": self.quest, "family": self.family}
        rows = rows.filter(**{name: value for name, value in exact.items() if value})
        if self.group:
            rows = rows.filter(group__name__icontains=self.group)
        if self.state:
            rows = rows.filter(state__in=LIVE if self.state == "live" else (self.state,))
        if self.hardware:
            rows = rows.filter(pk__in=Attempt.objects.filter(hardware=self.hardware).values("submission"))
        return rows

    def _ordered(self, rows: QuerySet[Submission]) -> QuerySet[Submission]:
        name = self.sort.removeprefix("-")
        if name in _RUN_COLUMNS:
            latest = Attempt.objects.filter(submission=OuterRef("pk")).order_by("-number")
            rows, column = rows.annotate(latest_run=Subquery(latest.values(_RUN_COLUMNS[name])[:1])), "latest_run"
        else:
            column = _OWN_COLUMNS[name]
            rows = rows.annotate(accuracy_so_far=Cast("correct", FloatField()) / F("total"))
        descending = self.sort.startswith("-")
        # Unknown values come last in both orders.
        first = F(column).desc(nulls_last=True) if descending else F(column).asc(nulls_last=True)
        return rows.order_by(first, "-pk")


def choices() -> dict[str, Any]:
    """The choices of each filter, as pairs of value and label."""
    used = Attempt.objects.filter(hardware=OuterRef("pk"))
    machines = Hardware.objects.filter(Exists(used)).order_by("cpu_model", "gpu_name", "pk")
    return {
        "quest_choices": quest_choices(),
        "family_choices": [(family.name, family.label) for family in all_families()],
        "state_choices": [
            ("live", _("queued or running")),
            *((value, str(label).lower()) for value, label in State.choices),
        ],
        "hardware_choices": [(machine.pk, str(machine)) for machine in machines],
    }


def quest_choices() -> list[tuple[int, str]]:
    return [(quest.pk, f"{quest} · {quest.course}") for quest in Quest.objects.select_related("course")]


@dataclass(frozen=True, slots=True)
class DeskSnapshot:
    """The whole service's counts at a moment; `etag` changes whenever a row of the desk changes."""

    running: int
    queued: int
    last_event: int

    @property
    def etag(self) -> str:
        return f"{self.last_event}-{self.running}-{self.queued}"


def snapshot() -> DeskSnapshot:
    """The desk's snapshot. It has the counts for the reason that `queries.snapshot` gives."""
    counts = Submission.objects.live().aggregate(
        running=Count("pk", filter=Q(state=State.RUNNING)), queued=Count("pk", filter=Q(state=State.QUEUED))
    )
    return DeskSnapshot(last_event=Event.objects.aggregate(last=Max("pk"))["last"] or 0, **counts)
