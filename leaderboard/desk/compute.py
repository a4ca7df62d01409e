"""The desk's totals of compute: what each group's runs took, on which device – those that came to nothing as well."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Self

from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from leaderboard.desk.access import for_instructors
from submissions.models import Attempt, Device, Exit, Quest
from submissions.requests import UserRequest, number


@dataclass(slots=True)
class Totals:
    """Sums over attempts. Seconds are of the device, `core_s` those of all its CPU cores together."""

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
        for name in ADDED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    @property
    def watt_hours(self) -> float | None:
        """None where no run's energy is known: an unknown is not a zero."""
        return self.joules / 3600 if self.metered else None

    @property
    def in_words(self) -> str:
        return ", ".join(sorted(self.methods))


ADDED = tuple(one.name for one in fields(Totals) if one.name not in ("group", "course", "methods"))
SORTS = ("group", "submissions", "runs", "cpu_s", "gpu_s", "core_s", "waited_s", "joules")
MOST_FIRST = "-cpu_s"


@for_instructors
@require_safe
@never_cache
def compute(request: UserRequest) -> HttpResponse:
    """A row for each group, of one quest or of all, in any order, and their sum."""
    quest = number(request.GET.get("quest", ""))
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in SORTS else MOST_FIRST
    rows = totals(quest)
    rows.sort(key=lambda row: row.group)
    rows.sort(key=lambda row: getattr(row, sort.removeprefix("-")), reverse=sort.startswith("-"))
    whole = Totals()
    for row in rows:
        whole += row
    context = {
        "quests": Quest.objects.select_related("course"),
        "quest_id": quest,
        "rows": rows,
        "whole": whole,
        "sort": sort,
        "columns": {name: _column(name, sort, quest) for name in SORTS},
    }
    return render(request, "leaderboard/desk/compute.html", context)


def totals(quest: int | None = None) -> list[Totals]:
    """What each group's attempts took; the instructors' own stand together without a group."""
    attempts = Attempt.objects.filter(ended_at__isnull=False)
    if quest:
        attempts = attempts.filter(submission__quest=quest)
    found: dict[int | None, Totals] = {}
    for row in _by_group_and_device(attempts):
        total = found.setdefault(row["submission__group"], Totals())
        total += _of_device(row)
    for row in _by_group(attempts):
        total = found[row["submission__group"]]
        total.group = row["submission__group__name"] or ""
        total.course = row["submission__group__course"]
        total.submissions = row["submissions"]
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
    """Submissions, each counted once however often and wherever it was tried."""
    names = ("submission__group", "submission__group__name", "submission__group__course")
    return attempts.order_by().values(*names).annotate(submissions=Count("submission", distinct=True))


def _of_device(row: dict[str, Any]) -> Totals:
    seconds = row["seconds"] or 0.0
    on_gpu = row["device"] == Device.GPU
    return Totals(
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


def _column(name: str, sort: str, quest: int | None) -> dict[str, str]:
    """A heading that sorts, the most first; by name, the first of the alphabet first."""
    order = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    first, then = (name, f"-{name}") if name == "group" else (f"-{name}", name)
    wanted = then if sort == first else first
    return {"order": order, "query": f"sort={wanted}" + (f"&quest={quest}" if quest else "")}
