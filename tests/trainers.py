"""Fixtures: real trainer processes."""

from __future__ import annotations

import importlib
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from submissions.specs import families
from workers.processes.protocol import TrainerEvent, TrainerResult, TrainJob
from workers.processes.trainer_process import TrainerProcess

FINAL_EVENTS = {"done", "failed", "exited"}
TIMEOUT_S = 180.0  # a network's libraries take a minute to import where four processes share a core
_numbers = itertools.count(1)


def job(spec: dict[str, Any], **changes: Any) -> TrainJob:
    """A job with a new attempt number, so that a late answer to another job is not taken for its answer."""
    defaults: TrainJob = {
        "do": "train",
        "attempt": next(_numbers),
        "spec": spec,
        "engine": "stock",
        "dataset": "digits",
        "seed": 123,
        "device": "cpu",
        "private_share": 0.0,
        "split_seed": 1,
    }
    return cast(TrainJob, {**defaults, **changes})


def answers(trainer: TrainerProcess, to: TrainJob, *, within: float = TIMEOUT_S) -> list[TrainerEvent]:
    """The trainer's events about the job `to`, up to the final one."""
    deadline = time.monotonic() + within
    received: list[TrainerEvent] = []
    while time.monotonic() < deadline:
        event = trainer.receive(timeout=1)
        if event and (event.get("attempt") == to["attempt"] or event["event"] == "exited"):
            received.append(event)
            if event["event"] in FINAL_EVENTS:
                return received
    raise AssertionError(f"No end within {within} s: {received}\n{trainer.output_tail}")


def answer(trainer: TrainerProcess, sent: TrainJob, *, within: float = TIMEOUT_S) -> Any:
    """Send the job; returns its final event: `done`, `failed` or `exited`."""
    trainer.send(sent)
    return answers(trainer, sent, within=within)[-1]


def train(trainer: TrainerProcess, spec: dict[str, Any], *, within: float = TIMEOUT_S, **changes: Any) -> TrainerResult:
    """The result of training `spec`."""
    last = answer(trainer, job(spec, **changes), within=within)
    assert last["event"] == "done", last
    result: TrainerResult = last["result"]
    return result


def gone(pid: int, *, within: float = 5) -> bool:
    """Whether the process ends within that many seconds; a zombie counts as ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="session")
def trainer_environment(digits_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables for the odd family, the digits, and a temporary folder.

    Trainers see each other's runs by files in that folder; other trainers on the machine use another one.
    """
    marks = str(tmp_path_factory.mktemp("marks"))
    return {"QUEST_DATA_HOME": str(digits_home), "QUEST_FAMILIES": "tests.odd_families", "TMPDIR": marks}


@pytest.fixture(scope="session")
def trainer(trainer_environment: dict[str, str]) -> Iterator[TrainerProcess]:
    """A trainer that all tests share, as runs do; no test may harm it."""
    process = TrainerProcess()
    process.start(threads=2, env=trainer_environment)
    yield process
    process.kill()


@pytest.fixture
def start_trainer(trainer_environment: dict[str, str]) -> Iterator[Callable[..., TrainerProcess]]:
    """Starts a trainer for this test alone."""
    started: list[TrainerProcess] = []

    def start(**options: Any) -> TrainerProcess:
        process = TrainerProcess()
        env = {**trainer_environment, **options.pop("env", {})}
        process.start(threads=options.pop("threads", 1), env=env, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def odd_family() -> Iterator[None]:
    """Registers the family of misbehaving models in this process for the duration of the test."""
    families.all_families()  # registers the families that ship, before this one
    families.register(importlib.import_module("tests.odd_families").ODD)
    yield
    families.unregister("odd")
