"""A machine is divided among runs: slots, threads and memory."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest

from submissions.families.network import LENET_5_LIKE, SIMPLE_CONVNET
from submissions.models import Attempt
from submissions.specs.spec import dump
from tests.cast import claim_one
from tests.trainers import train
from workers.supervisor import memory_limit, slots, supervisor
from workers.supervisor.supervisor import Supervisor

GB = 1 << 30


class Started:
    """Stands for a trainer: logs the threads that it is started with, and is alive until it is killed."""

    log: list[int] = []

    def __init__(self) -> None:
        self.threads, self.runs = 0, 0

    def alive(self) -> bool:
        return self.threads > 0

    def start(self, *, threads: int, **_: object) -> None:
        self.threads = threads
        self.log.append(threads)

    def kill(self) -> None:
        self.threads = 0

    def memory_bytes(self) -> int:
        return 0


@pytest.fixture
def slot(monkeypatch) -> Supervisor:
    """One of two slots on two cores."""
    Started.log = []
    monkeypatch.setattr(supervisor, "TrainerProcess", Started)
    return Supervisor(device="cpu", threads=1, cores=2)


@pytest.fixture
def claimed(submit, quest, worker):
    def claimed(model, **changes: object) -> Attempt:
        quest.dataset = "mnist"
        quest.save()
        submit(model)
        attempt = claim_one(worker)
        for name, value in changes.items():
            setattr(attempt, name, value)
        return attempt

    return claimed


@pytest.mark.parametrize(("cores", "gigabytes", "expected"), [(2, 24, 2), (16, 12, 8), (8, 1, 1), (64, 512, 64)])
def test_there_is_a_slot_for_each_core_as_far_as_memory_allows(monkeypatch, cores, gigabytes, expected):
    monkeypatch.setattr(psutil, "cpu_count", lambda: cores)
    monkeypatch.setattr(slots, "ram_bytes", lambda: gigabytes * GB)

    assert slots.usual_slots() == expected


def test_only_a_long_network_of_long_steps_is_worth_another_trainer():
    long, short = dump(SIMPLE_CONVNET), dump(LENET_5_LIKE.model_copy(update={"epochs": 100}))

    assert slots.gains_by_threads(long, "mnist")
    assert not slots.gains_by_threads(short, "mnist"), "its steps are short, however many they are"
    assert not slots.gains_by_threads({**long, "epochs": 1}, "mnist"), "it is over before it would pay"
    assert not slots.gains_by_threads({"family": "knn"}, "mnist")
    assert not slots.gains_by_threads({"family": "nonsense"}, "mnist")


def test_a_large_network_alone_gets_a_trainer_with_all_cores_and_leaves_none_behind(slot, claimed):
    slot.warm_up()
    attempt = claimed(dump(SIMPLE_CONVNET), threads_asked=2)

    assert slot.make_ready(attempt) == 2
    slot.retire_trainer_if_due(attempt)
    slot.warm_up()

    assert Started.log == [1, 2, 1]


def test_beside_other_runs_a_large_network_takes_the_trainer_that_is_there(slot, claimed):
    slot.warm_up()

    assert slot.make_ready(claimed(dump(SIMPLE_CONVNET), threads_asked=1)) == 1
    assert Started.log == [1]


def test_a_small_network_and_models_that_take_threads_for_each_run_need_no_other_trainer(slot, claimed):
    slot.warm_up()

    assert slot.make_ready(claimed(dump(LENET_5_LIKE), threads_asked=2)) == 2
    assert slot.make_ready(claimed(None, threads_asked=2)) == 2
    assert Started.log == [1]


def test_after_an_exclusive_network_its_trainer_stays_for_the_next(slot, claimed):
    attempt = claimed(dump(LENET_5_LIKE), threads_asked=2, exclusive=True)
    slot.make_ready(attempt)
    slot.retire_trainer_if_due(attempt)
    slot.make_ready(attempt)

    assert Started.log == [2]


def test_memory_is_bounded_by_the_quest(monkeypatch):
    assert "quest allows (2,048 MB)" in memory_limit.excess(3 * GB, allowed_mb=2048, slots=1)
    assert memory_limit.excess(GB, allowed_mb=2048, slots=1) == ""


@pytest.mark.parametrize(("used", "free", "ends"), [(5, 0.1, True), (5, 2, False), (3, 0.1, False)])
def test_beyond_its_share_a_run_ends_only_once_the_machine_has_no_more(monkeypatch, used, free, ends):
    machine = SimpleNamespace(total=8 * GB, available=int(free * GB))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)

    said = memory_limit.excess(used * GB, allowed_mb=8192, slots=2)

    assert ("more than its share (4,096 MB)" in said) == ends


@pytest.mark.trains
def test_a_job_says_how_many_threads_it_has(trainer):
    forest = {"family": "forest", "n_estimators": 30}

    assert train(trainer, forest, engine="accelerated", threads=1)["threads_asked"] == 1
    assert train(trainer, forest, engine="accelerated")["threads_asked"] == 2


@pytest.mark.trains
def test_a_network_on_stock_has_the_threads_that_tensorflow_took_as_it_started(trainer):
    net = {"family": "cnn", "epochs": 1, "layers": [
        {"kind": "Input", "shape": [64]}, {"kind": "Dense", "units": 10, "activation": "softmax"},
    ]}  # fmt: skip

    assert train(trainer, net, threads=1)["threads_asked"] == 2


def test_a_run_goes_to_the_trainer_that_was_made_ready_for_it(slot, claimed, monkeypatch):
    """Not to the one that had to make room."""
    given = []

    def monitor(attempt, trainer, threads):
        return SimpleNamespace(follow=lambda: given.append((trainer.threads, threads)))

    monkeypatch.setattr(supervisor, "RunMonitor", monitor)
    slot.warm_up()

    slot.see_through(claimed(dump(SIMPLE_CONVNET), threads_asked=2))

    assert given == [(2, 2)]
