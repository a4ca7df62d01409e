"""The scores of a quest as its charts see them: what was achieved, and where the seconds went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet
from django.utils.functional import Promise

from leaderboard import queries
from submissions.families.registry import families
from submissions.finals import ranked
from submissions.models import Group, Hardware, Quest, Submission
from submissions.visibility import Sight

_OF_THE_ATTEMPT = (
    *("queue_wait_s", "startup_s", "data_load_s", "preprocess_s", "train_s", "predict_s"),
    *("device", "engine", "engine_version", "hardware_id"),
)
LONGEST_MODEL = 60  # characters; a longer one is named by its family


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A scored submission as one reader may see it. `model` is empty where the reader may not read it.

    `score` is what decides now: the public part's, or the private part's after the reveal of a quest that has one.
    """

    number: int
    group_id: int
    group: str
    own: bool
    family: str
    family_label: str
    model: str
    parameters: int | None
    score: float
    public: float
    handed_in_at: datetime
    at: datetime
    queue_wait_s: float
    startup_s: float
    data_load_s: float
    preprocess_s: float
    train_s: float | None
    predict_s: float | None
    device: str
    engine: str
    engine_version: str
    hardware: str

    @property
    def title(self) -> str:
        """The model as a sentence can hold it."""
        return self.model if 0 < len(self.model) <= LONGEST_MODEL else self.family_label


def runs(quest: Quest, sight: Sight) -> list[Run]:
    """Every ranked score that the reader may know of, in the order in which they came in. Three queries."""
    read = _Reader(quest, sight)
    return [read.run(row) for row in _rows(quest, sight)]


def _rows(quest: Quest, sight: Sight) -> QuerySet[Submission]:
    scored = ranked(quest).filter(sight.known())
    fields = ("quest", "group", "submitter", "family", "headline", "parameters", "correct", "total")
    times = ("ranked_at", "finished_at")
    # Values beside the submission, and no objects of score and attempt: there may be tens of thousands.
    beside = {f"run_{name}": F(f"score__attempt__{name}") for name in _OF_THE_ATTEMPT}
    private = {f"run_{name}": F(f"score__{name}") for name in ("private_correct", "private_total")}
    return scored.only(*fields, *times).annotate(**beside, **private).order_by("finished_at", "pk")


class _Reader:
    """Reads rows for one reader: names, hardware and families are looked up once."""

    def __init__(self, quest: Quest, sight: Sight) -> None:
        self.sight = sight
        self.by_private = queries.ranks_by_private(quest)
        self.groups = {group.pk: sight.name(group) for group in Group.objects.filter(course=quest.course_id)}
        self.hardware = Hardware.objects.in_bulk()
        self.families: dict[str, str | Promise] = {family.name: family.label for family in families()}

    def run(self, row: Submission) -> Run:
        beside = {name.removeprefix("run_"): value for name, value in row.__dict__.items() if name.startswith("run_")}
        public = (row.correct or 0) / (row.total or 1)
        return Run(
            number=row.pk,
            group_id=row.group_id or 0,
            group=self.groups.get(row.group_id or 0, ""),
            own=self.sight.is_own(row.group_id),
            family=row.family,
            family_label=str(self.families.get(row.family, row.family)),
            model=row.headline if self.sight.shows_model(row) else "",
            parameters=row.parameters if self.sight.shows_model(row) else None,
            score=beside["private_correct"] / (beside["private_total"] or 1) if self.by_private else public,
            public=public,
            handed_in_at=row.ranked_at,
            at=row.finished_at or row.ranked_at,
            hardware=self.hardware[beside["hardware_id"]].label(beside["device"]),
            queue_wait_s=beside["queue_wait_s"] or 0.0,
            startup_s=beside["startup_s"] or 0.0,
            data_load_s=beside["data_load_s"] or 0.0,
            preprocess_s=beside["preprocess_s"] or 0.0,
            train_s=beside["train_s"],
            predict_s=beside["predict_s"],
            device=beside["device"],
            engine=beside["engine"],
            engine_version=beside["engine_version"],
        )
