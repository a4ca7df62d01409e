"""A small cast: an owner, a colleague in the same group, a stranger in another, an instructor, and their things."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from submissions.intake import submit as intake
from submissions.models import (
    ApiToken,
    Attempt,
    Course,
    Group,
    Hardware,
    Membership,
    Quest,
    QuestState,
    Submission,
    User,
    Worker,
)
from submissions.queue import claims, leases
from submissions.specs.validation import validate
from workers.supervisor import registration

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """The process caches forecasts and the like for some seconds; those of the previous test are wrong for this one."""
    cache.clear()


@pytest.fixture
def course(db) -> Course:
    return Course.objects.create(name="Machine learning", term="autumn 2026")


@pytest.fixture
def quest(course) -> Quest:
    return Quest.objects.create(
        course=course, name="Digits quest", dataset="digits", state=QuestState.OPEN, daily_quota=50
    )


@pytest.fixture
def group(course) -> Group:
    return Group.objects.create(course=course, name="ITMALGrp01")


@pytest.fixture
def other_group(course) -> Group:
    return Group.objects.create(course=course, name="ITMALGrp02")


def person(username: str, group: Group | None = None, **more: Any) -> User:
    user = User.objects.create_user(username=username, password=PASSWORD, **more)
    if group:
        Membership.objects.create(user=user, group=group, course=group.course)
    return user


@pytest.fixture
def owner(group) -> User:
    return person("owner", group)


@pytest.fixture
def colleague(group) -> User:
    return person("colleague", group)


@pytest.fixture
def stranger(other_group) -> User:
    return person("stranger", other_group)


@pytest.fixture
def instructor(db) -> User:
    return person("instructor", is_staff=True)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner_client(owner) -> Client:
    return client_of(owner)


@pytest.fixture
def colleague_client(colleague) -> Client:
    return client_of(colleague)


@pytest.fixture
def stranger_client(stranger) -> Client:
    return client_of(stranger)


@pytest.fixture
def instructor_client(instructor) -> Client:
    return client_of(instructor)


@pytest.fixture
def owner_token(owner, group) -> str:
    """The token's secret, which is shown only once."""
    return ApiToken.objects.create(user=owner, group=group, name="laptop")[1]


@pytest.fixture
def worker(db, monkeypatch) -> Worker:
    """A worker registered as this process's own, so that long runs send heartbeats for it."""
    machine = Hardware.objects.create(
        key="a" * 16, cpu_model="AMD EPYC 9B14", cores=2, physical_cores=1, ram_bytes=24 << 30, os="Debian 12"
    )
    worker = Worker.objects.create(
        name="cpu@here", host="here", pid=1, device="cpu", slots=2, version="test", hardware=machine
    )
    monkeypatch.setattr(registration, "registered_worker", worker)
    return worker


KNN = {"family": "knn", "n_neighbors": 4, "weights": "distance"}
FOREST = {"family": "forest", "n_estimators": 20}
OUTPUT = {"kind": "Dense", "units": 10, "activation": "softmax"}
DENSE_NET = {"family": "cnn", "layers": [{"kind": "Input", "shape": [64]}, OUTPUT]}
FLAT_NET = {"family": "cnn", "layers": [{"kind": "Input", "shape": [8, 8]}, {"kind": "Flatten"}, OUTPUT]}


@pytest.fixture
def submit(quest, owner, group) -> Callable[..., Submission]:
    """Submits as the owner and the owner's group by default; `model` is a spec as a JSON object."""

    def submit(model: dict[str, Any] | None = None, **more: Any) -> Submission:
        chosen = more.setdefault("quest", quest)
        spec = validate(model or KNN, dataset=chosen.dataset)
        return intake.submit(**{"submitter": owner, "group": group, "spec": spec, **more})[0]

    return submit


@pytest.fixture
def submission(submit) -> Submission:
    return submit()


def result_of(correct: int, total: int = 360, *, train_s: float = 1.5, private: tuple[int, int] = (0, 0)) -> Any:
    """A trainer's result, as `workers.trainer` sends it."""
    return {
        "public": {"correct": correct, "total": total},
        "private": {"correct": private[0], "total": private[1]},
        "errors": [[index, 3] for index in range(total - correct + private[1] - private[0])],
        "timing": {
            "startup_s": 0.1,
            "data_load_s": 0.05,
            "first_step_s": None,
            "train_s": train_s,
            "predict_s": 0.5,
            "total_s": train_s + 0.65,
            "cpu_s": 2 * train_s,
        },
        "peak_memory_bytes": 300 << 20,
        "epochs": [],
        "threads_asked": 1,
        "threads_used": 1,
        "load_average": 0.7,
        "seed": 1,
        "versions": {"python": "3.11", "scikit-learn": "1.9.1"},
        "engine_version": "scikit-learn 1.9.1",
        "data_checksum": "f" * 64,
        "energy": {"method": "none", "joules": None},
    }


@pytest.fixture
def score(worker) -> Callable[..., Submission]:
    """Claims and scores a submission, as a worker would; `ago` moves its submission time back."""

    def score(submission: Submission, correct: int, *, ago: timedelta | None = None, **more: Any) -> Submission:
        if ago is not None:
            at = timezone.now() - ago
            Submission.objects.filter(pk=submission.pk).update(submitted_at=at, ranked_at=at)
        attempt = claim_one(worker)
        assert attempt.submission_id == submission.pk
        leases.record_score(attempt, result_of(correct, **more))
        return reload(submission)

    return score


def claim_one(worker: Worker, device: str = "cpu") -> Attempt:
    attempt = claims.claim(device=device, worker=worker)
    assert attempt is not None
    return attempt


def change(quest: Quest, **fields: Any) -> Quest:
    for name, value in fields.items():
        setattr(quest, name, value)
    quest.save()
    return quest


def reload(submission: Submission) -> Submission:
    return Submission.objects.get(pk=submission.pk)
