"""The scored runs of a quest as the charts read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from leaderboard.ranking import queries
from submissions.intake.finals import ranked
from submissions.models import Group, Hardware, Quest, Submission
from submissions.quests.visibility import Visibility
from submissions.specs.families import all_families

_SUBMISSION_COLUMNS = (
    *("pk", "group_id", "submitter_id", "family", "headline", "parameters", "correct", "total"),
    *("ranked_at", "finished_at", "score__private_correct", "score__private_total"),
)
_ATTEMPT_COLUMNS = (
    *("queue_wait_s", "startup_s", "data_load_s", "preprocess_s", "train_s", "predict_s"),
    *("device", "engine", "engine_version", "hardware_id"),
)
LONGEST_TITLE = 60  # characters; a longer model is named by its family


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRun:
    """A scored submission as one reader sees it; times in seconds. `model` is empty if it is hidden from the reader.

    `score` decides the ranking now: the public accuracy, or after the reveal the private one, if there is one.
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
    submitted_at: datetime
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
        """The model, short enough for a sentence."""
        return self.model if 0 < len(self.model) <= LONGEST_TITLE else self.family_label


def runs(quest: Quest, visibility: Visibility) -> list[ChartRun]:
    """Every ranked score that the reader may see, oldest first. Three queries."""
    reader = _RunReader(quest, visibility)
    scored = ranked(quest).filter(visibility.known()).order_by("finished_at", "pk")
    # Plain values, not model instances: there may be tens of thousands of rows.
    attempt = {f"run_{name}": F(f"score__attempt__{name}") for name in _ATTEMPT_COLUMNS}
    return [
        reader.run(row) for row in scored.annotate(**attempt).values_list(*_SUBMISSION_COLUMNS, *attempt, named=True)
    ]


class _RunReader:
    """Turns rows into runs for one reader. Names, hardware and families are looked up once."""

    def __init__(self, quest: Quest, visibility: Visibility) -> None:
        self.visibility = visibility
        self.by_private = queries.ranks_by_private(quest)
        self.groups = {group.pk: visibility.name(group) for group in Group.objects.filter(course=quest.course_id)}
        self.hardware = Hardware.objects.in_bulk()
        self.families: dict[str, str] = {family.name: str(family.label) for family in all_families()}

    def run(self, row: Any) -> ChartRun:
        public = (row.correct or 0) / (row.total or 1)
        shows = self._shows_model(row)
        return ChartRun(
            number=row.pk,
            group_id=row.group_id,
            group=self.groups[row.group_id],
            own=self.visibility.is_own(row.group_id),
            family=row.family,
            family_label=self.families.get(row.family, row.family),
            model=row.headline if shows else "",
            parameters=row.parameters if shows else None,
            score=row.score__private_correct / (row.score__private_total or 1) if self.by_private else public,
            public=public,
            submitted_at=row.ranked_at,
            at=row.finished_at,
            queue_wait_s=row.run_queue_wait_s or 0.0,
            startup_s=row.run_startup_s or 0.0,
            data_load_s=row.run_data_load_s or 0.0,
            preprocess_s=row.run_preprocess_s or 0.0,
            train_s=row.run_train_s,
            predict_s=row.run_predict_s,
            device=row.run_device,
            engine=row.run_engine,
            engine_version=row.run_engine_version,
            hardware=self.hardware[row.run_hardware_id].label(row.run_device),
        )

    def _shows_model(self, row: Any) -> bool:
        if self.visibility.models_open or self.visibility.full_access:
            return True
        return self.visibility.shows_model(Submission(group_id=row.group_id, submitter_id=row.submitter_id))
