"""A trainer that sends scripted events, for tests of how a supervisor reacts."""

from __future__ import annotations

from submissions.models import Attempt, Worker
from tests.cast import claim_one
from workers.processes.protocol import ExitedEvent, StartedEvent, TrainerEvent, TrainerJob
from workers.processes.trainer_process import TrainerProcess
from workers.supervisor.run_monitor import RunMonitor

STARTED: StartedEvent = {"event": "started"}
DIED: ExitedEvent = {"event": "exited", "code": -11}


class Scripted(TrainerProcess):
    """Stands for a trainer; it sends these events, one for each call."""

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


def follow(worker: Worker, *events: TrainerEvent) -> Attempt:
    """Claim the next submission for `worker` and let its trainer send `events`; the attempt as it ended."""
    attempt = claim_one(worker)
    RunMonitor(attempt, Scripted(*events), threads=1).follow()
    attempt.refresh_from_db()
    return attempt
