"""The simulated order of the queue is the order of the claims, whatever waits and runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from submissions.models import Attempt, Duty, Exit, Group, Quest, State, Submission, User, Worker
from submissions.queue import claims, prediction
from tests.cast import KNN

pytestmark = pytest.mark.slow

GROUPS = 2
LIMITS = (1, 2, 3)
DEVICES = st.sampled_from(["cpu", "cpu", "auto", "gpu"])
TEAMS = st.sampled_from([*range(GROUPS), None])  # None: an instructor's submission


@dataclass(frozen=True)
class Waiting:
    team: int | None
    quest: int
    device: str
    age_s: int


@dataclass(frozen=True)
class Run:
    """A run that ended `ended_s` seconds ago after `total_s`; None: it has not ended."""

    team: int | None
    device: str
    ended_s: int | None
    total_s: int


WAITING = st.builds(Waiting, TEAMS, st.integers(0, len(LIMITS) - 1), DEVICES, st.integers(0, 5))
RUNS = st.builds(
    Run,
    TEAMS,
    st.sampled_from(["cpu", "gpu"]),
    st.sampled_from([None, None, 60, 3000, 7200]),  # the device-seconds of the last hour count
    st.sampled_from([0, 10, 20]),
)


@pytest.fixture
def cpu(worker) -> Worker:
    Worker.objects.update(slots=100)
    return worker


@pytest.fixture
def gpu(worker) -> Worker:
    return Worker.objects.create(
        name="gpu@here", host="there", pid=2, device="gpu", slots=100, version="test", hardware=worker.hardware
    )


@pytest.fixture
def groups(course) -> list[Group]:
    return [Group.objects.create(course=course, name=f"Grp{number}") for number in range(GROUPS)]


@pytest.fixture
def quests(course) -> list[Quest]:
    """Quests that differ in how many runs a group may have at a time."""
    return [
        Quest.objects.create(course=course, name=f"Limit {limit}", dataset="digits", group_limit=limit)
        for limit in LIMITS
    ]


@contextmanager
def undone() -> Iterator[None]:
    """Roll back the block's writes, so that the next example starts with an empty queue."""
    with transaction.atomic():
        cache.clear()
        yield
        transaction.set_rollback(True)


class Stage:
    """Writes generated queues into the database."""

    def __init__(self, groups: list[Group], quests: list[Quest], worker: Worker, user: User) -> None:
        self.groups, self.quests, self.worker, self.user = groups, quests, worker, user
        self.start = timezone.now()

    def fill(self, waiting: list[Waiting], runs: list[Run]) -> None:
        for number, run in enumerate(runs):
            self._add_run(run, UUID(int=number))
        for one in waiting:
            self._submission(
                one.team, quest=self.quests[one.quest], device=one.device, age=timedelta(seconds=one.age_s)
            )

    def _submission(self, team: int | None, **fields: Any) -> Submission:
        at = self.start - fields.pop("age", timedelta())
        return Submission.objects.create(
            **{"quest": self.quests[0], "submitter": self.user, "family": "knn", "spec": KNN, "seed": 1} | fields,
            group=None if team is None else self.groups[team],
            out_of_competition=team is None,
            submitted_at=at,
            ranked_at=at,
        )

    def _add_run(self, run: Run, lease: UUID) -> None:
        running = run.ended_s is None
        state: dict[str, Any] = {"state": State.FAILED}
        if running:
            state = {"state": State.RUNNING, "lease": lease, "lease_until": self.start + timedelta(hours=1)}
        Attempt.objects.create(
            submission=self._submission(run.team, device=run.device, **state),
            number=1,
            lease=lease,
            worker=self.worker,
            hardware=self.worker.hardware,
            device=run.device,
            engine="stock",
            exit="" if running else Exit.ERROR,
            ended_at=None if run.ended_s is None else self.start - timedelta(seconds=run.ended_s),
            total_s=None if running else run.total_s,
        )


@pytest.fixture
def stage(groups, quests, cpu, owner) -> Stage:
    return Stage(groups, quests, cpu, owner)


def claim_until_none_is_left(worker: Worker) -> list[int]:
    order = []
    while attempt := claims.claim(device=worker.device, worker=worker):
        order.append(attempt.submission_id)
    return order


QUEUES = st.lists(WAITING, min_size=3, max_size=10)
several = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@several
@given(waiting=QUEUES, runs=st.lists(RUNS, max_size=6), device=st.sampled_from(["cpu", "gpu"]), gpu_on=st.booleans())
def test_the_shown_places_are_the_order_of_the_claims(stage, cpu, gpu, waiting, runs, device, gpu_on):
    with undone():
        stage.fill(waiting, runs)
        Worker.objects.filter(pk=gpu.pk).update(duty=Duty.ON if gpu_on else Duty.PAUSED)
        shown = claims.queue_order(device)

        claimed = claim_until_none_is_left({"cpu": cpu, "gpu": gpu}[device])

        assert shown[: len(claimed)] == claimed


@several
@given(waiting=QUEUES, runs=st.lists(RUNS, max_size=6), gpu_on=st.booleans())
def test_submissions_that_should_start_at_once_are_claimed_in_that_order(stage, cpu, gpu, waiting, runs, gpu_on):
    with undone():
        stage.fill(waiting, runs)
        Worker.objects.filter(pk=gpu.pk).update(duty=Duty.ON if gpu_on else Duty.PAUSED)
        starts = prediction.forecast_queue().starts

        order = [pk for worker in (gpu, cpu) for pk in claim_until_none_is_left(worker)]

        assert list(starts) == order
        assert {start.after for start in starts.values()} <= {0.0}


def test_a_submission_that_its_limit_holds_back_has_a_place_behind_all_that_can_be_claimed(submit, course):
    """Two quests with different limits: the older submission's quest lets the group have one run, the newer's three."""
    narrow, wide = (
        Quest.objects.create(course=course, name=f"Limit {limit}", dataset="digits", state="open", group_limit=limit)
        for limit in (1, 3)
    )
    first, held_back = submit(quest=narrow), submit(quest=narrow)
    claimable = [submit(quest=wide), submit(quest=wide)]

    assert claims.queue_order("cpu") == [first.pk, *(one.pk for one in claimable), held_back.pk]
