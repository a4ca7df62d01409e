"""A trainer that says what it is told to, for what a supervisor does about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from submissions.models import Attempt, Worker
from tests.cast import claim_one
from workers.processes.protocol import Message
from workers.processes.trainer_process import TrainerProcess
from workers.supervisor.supervisor import Watch

STARTED = {"event": "started"}
DIED = {"event": "exited", "code": -11}


class Scripted(TrainerProcess):
    """Stands for a trainer that says what it is told to."""

    def __init__(self, *messages: Message) -> None:
        super().__init__()
        self.messages = list(messages)

    def send(self, job: Mapping[str, Any]) -> None:
        pass

    def receive(self, timeout: float) -> Message | None:
        return self.messages.pop(0) if self.messages else None

    def memory_bytes(self) -> int:
        return 0

    def kill(self) -> None:
        pass


def follow(worker: Worker, *messages: Message) -> Attempt:
    """The attempt that `worker` claims next, as it ended."""
    attempt = claim_one(worker)
    Watch(attempt, Scripted(*messages), threads=1).follow()
    attempt.refresh_from_db()
    return attempt
