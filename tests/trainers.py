"""Fixtures: real trainer processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from workers.trainer_process import Message, TrainerProcess

ENDS = {"done", "failed", "exited"}


def job(spec: dict[str, Any], **changes: Any) -> dict[str, Any]:
    usual = {"do": "train", "attempt": 17, "spec": spec, "engine": "stock", "dataset": "digits", "seed": 123}
    return {**usual, "device": "cpu", "private_share": 0.0, "split_seed": 1, **changes}


def answers(trainer: TrainerProcess, *, within: float = 60) -> list[Message]:
    """Every message up to the one that ends the job."""
    deadline = time.monotonic() + within
    heard: list[Message] = []
    while time.monotonic() < deadline:
        message = trainer.receive(timeout=1)
        if message:
            heard.append(message)
            if message["event"] in ENDS:
                return heard
    raise AssertionError(f"No end within {within} s: {heard}\n{trainer.output_tail}")


def train(trainer: TrainerProcess, spec: dict[str, Any], *, within: float = 60, **changes: Any) -> dict[str, Any]:
    """The result of training `spec`."""
    trainer.send(job(spec, **changes))
    last = answers(trainer, within=within)[-1]
    assert last["event"] == "done", last
    result: dict[str, Any] = last["result"]
    return result


def gone(pid: int, *, within: float = 5) -> bool:
    """Whether the process ends in time (one that has ended and waits to be reaped is gone)."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="session")
def trainer_environment(digits_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Odd families to train, digits to train on, and a folder for marks of runs where no others but ours are seen."""
    marks = str(tmp_path_factory.mktemp("marks"))
    return {"QUEST_DATA_HOME": str(digits_home), "QUEST_FAMILIES": "tests.odd_families", "TMPDIR": marks}


@pytest.fixture(scope="session")
def trainer(trainer_environment: dict[str, str]) -> Iterator[TrainerProcess]:
    """A trainer that all tests share, as runs share one: none may harm it."""
    process = TrainerProcess()
    process.start(threads=2, env=trainer_environment)
    yield process
    process.kill()


@pytest.fixture
def start_trainer(trainer_environment: dict[str, str]) -> Iterator[Callable[..., TrainerProcess]]:
    """Starts a trainer for one test alone."""
    started: list[TrainerProcess] = []

    def start(**options: Any) -> TrainerProcess:
        process = TrainerProcess()
        process.start(threads=options.pop("threads", 1), env=trainer_environment, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
