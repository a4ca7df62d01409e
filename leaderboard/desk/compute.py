"""The desk's totals of compute: the time and energy of each group's runs by device, failed runs included."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Self

from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from leaderboard.desk.access import for_instructors
from leaderboard.desk.listing import quest_choices
from leaderboard.pages.sort_heading import SortHeading
from submissions.models import Attempt, Device, Exit
from submissions.requests import UserRequest, number


@dataclass(slots=True)
class ComputeTotals:
    """Sums over attempts. `cpu_s` and `gpu_s` are seconds that a slot was taken, `core_s` seconds of all CPU cores."""

    group: str = ""
    course: int | None = None
    submissions: int = 0
    runs: int = 0
    scored: int = 0
    cpu_s: float = 0.0
    gpu_s: float = 0.0
    core_s: float = 0.0
    waited_s: float = 0.0
    joules: float = 0.0
    metered: int = 0
    methods: set[str] = field(default_factory=set)

    def __iadd__(self, other: Self) -> Self:
        self.methods |= other.methods
        for name in SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    @property
    def watt_hours(self) -> float | None:
        """None where no run's energy is known: unknown is not zero."""
        return self.joules / 3600 if self.metered else None

    @property
    def energy_methods(self) -> str:
        return ", ".join(sorted(self.methods))


SUMMED = tuple(field.name for field in fields(ComputeTotals) if field.name not in ("group", "course", "methods"))
SORTS = ("group", "submissions", "runs", "cpu_s", "gpu_s", "core_s", "waited_s", "joules")
DEFAULT_SORT = "-cpu_s"


@for_instructors
@require_safe
@never_cache
def compute(request: UserRequest) -> HttpResponse:
    """A row for each group, for one quest or all, sorted by any column, and the total."""
    quest = number(request.GET.get("quest", ""))
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT
    rows = totals(quest)
    rows.sort(key=lambda row: row.group)
    rows.sort(key=lambda row: getattr(row, sort.removeprefix("-")), reverse=sort.startswith("-"))
    total = ComputeTotals()
    for row in rows:
        total += row

    def query(sort: str) -> str:
        return f"sort={sort}" + (f"&quest={quest}" if quest else "")

    context = {
        "quest_choices": quest_choices(),
        "quest_id": quest,
        "rows": rows,
        "total": total,
        "sort": sort,
        "headings": {name: SortHeading.of(name, sort, query, ascending_first=name == "group") for name in SORTS},
    }
    return render(request, "leaderboard/desk/compute.html", context)


def totals(quest: int | None = None) -> list[ComputeTotals]:
    """The compute of each group's ended attempts; those of instructors have one row without a group."""
    attempts = Attempt.objects.filter(ended_at__isnull=False)
    if quest:
        attempts = attempts.filter(submission__quest=quest)
    found: dict[int | None, ComputeTotals] = {}
    for row in _by_group_and_device(attempts):
        group = found.setdefault(row["submission__group"], ComputeTotals())
        group += _device_totals(row)
    for row in _by_group(attempts):
        group = found[row["submission__group"]]
        group.group = row["submission__group__name"] or ""
        group.course = row["submission__group__course"]
        group.submissions = row["submissions"]
    return list(found.values())


def _by_group_and_device(attempts: QuerySet[Attempt]) -> QuerySet[Attempt, Any]:
    metered = Q(energy_joules__isnull=False)
    return (
        attempts.order_by()
        .values("submission__group", "device", "energy_method")
        .annotate(
            runs=Count("pk"),
            scored=Count("pk", filter=Q(exit=Exit.SCORED)),
            seconds=Sum("total_s"),
            core_s=Sum("cpu_s"),
            waited_s=Sum("queue_wait_s"),
            joules=Sum("energy_joules"),
            metered=Count("pk", filter=metered),
        )
    )


def _by_group(attempts: QuerySet[Attempt]) -> QuerySet[Attempt, Any]:
    """How many submissions each group ran; a submission with several attempts counts once."""
    names = ("submission__group", "submission__group__name", "submission__group__course")
    return attempts.order_by().values(*names).annotate(submissions=Count("submission", distinct=True))


def _device_totals(row: dict[str, Any]) -> ComputeTotals:
    seconds = row["seconds"] or 0.0
    on_gpu = row["device"] == Device.GPU
    return ComputeTotals(
        runs=row["runs"],
        scored=row["scored"],
        cpu_s=0.0 if on_gpu else seconds,
        gpu_s=seconds if on_gpu else 0.0,
        core_s=row["core_s"] or 0.0,
        waited_s=row["waited_s"] or 0.0,
        joules=row["joules"] or 0.0,
        metered=row["metered"],
        methods={row["energy_method"]} if row["metered"] else set(),
    )
