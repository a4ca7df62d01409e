"""A trainer that sends scripted events, for tests of how a supervisor reacts."""

from __future__ import annotations

from submissions.models import Attempt, Worker
from tests.cast import claim_one
from workers.processes.protocol import ExitedEvent, StartedEvent, TrainerEvent, TrainerJob
from workers.processes.trainer_process import TrainerProcess
from workers.supervisor.run_monitor import RunMonitor

STARTED: StartedEvent = {"event": "started"}
DIED: ExitedEvent = {"event": "exited", "code": -11}


class ScriptedTrainer(TrainerProcess):
    """Takes a trainer's place and sends these events, one per call."""

    def __init__(self, *events: TrainerEvent) -> None:
        super().__init__()
        self.events = list(events)

    def send(self, job: TrainerJob) -> None:
        pass

    def receive(self, timeout: float) -> TrainerEvent | None:
        return self.events.pop(0) if self.events else None

    def memory_bytes(self) -> int:
        return 0

    def kill(self) -> None:
        pass


def supervise(worker: Worker, *events: TrainerEvent) -> Attempt:
    """Claim the next submission for `worker` and supervise a trainer that sends `events`; returns the ended attempt."""
    attempt = claim_one(worker)
    RunMonitor(attempt, ScriptedTrainer(*events), threads=1).follow()
    attempt.refresh_from_db()
    return attempt
