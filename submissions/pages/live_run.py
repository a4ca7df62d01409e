"""The live part of a submission's page while it waits and runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from submissions.database import clock
from submissions.intake.reruns import runs_of
from submissions.models import Attempt, Device, Event, Exit, State, Submission, Worker
from submissions.queue.claims import position
from submissions.queue.prediction import Prediction, prediction
from submissions.results.learning_curves import Curve, curves
from submissions.results.timing import Part, parts
from submissions.wording import about

EXITS_WITH_ADVICE = (Exit.ERROR, Exit.TIMED_OUT, Exit.OUT_OF_MEMORY, Exit.CRASHED, Exit.LOST)
MIN_SHARE_DONE = 0.1  # share of a run after which its own progress predicts the rest


@dataclass(frozen=True, slots=True)
class RunView:
    """A submission's current state. `unserved_device` is the device that it waits for
    if no worker serves it, else empty."""

    submission: Submission
    attempts: list[Attempt]
    events: list[Event]
    position: int | None
    unserved_device: str
    prediction: Prediction
    runs: list[Submission]

    @property
    def attempt(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def running(self) -> Attempt | None:
        return self.attempt if self.submission.state == State.RUNNING else None

    @property
    def advice(self) -> str:
        """How the last attempt ended, if there is advice for it; else empty."""
        return self.attempt.exit if self.attempt and self.attempt.exit in EXITS_WITH_ADVICE else ""

    @property
    def verdict(self) -> Event | None:
        """The event that disqualified it, while it is disqualified."""
        kinds = (event for event in reversed(self.events) if event.kind == Event.Kind.DISQUALIFIED)
        return next(kinds, None) if self.submission.disqualified else None

    @property
    def elapsed_s(self) -> float | None:
        """Seconds since the run started, by the database's clock."""
        return (clock.now() - self.running.started_at).total_seconds() if self.running else None

    @property
    def remaining_s(self) -> float | None:
        """Estimated seconds left, from the run's own progress or from similar runs; None if unknown."""
        elapsed = self.elapsed_s
        if self.running is None or elapsed is None:
            return None
        done = self.running.progress.get("done") or 0.0
        if done >= MIN_SHARE_DONE:
            return elapsed * (1 - done) / done
        return None if self.prediction.run_s is None else max(0.0, self.prediction.run_s - elapsed)

    @property
    def curves(self) -> list[Curve]:
        if self.attempt is None:
            return []
        return curves(self.attempt.epochs, self.attempt.progress.get("epochs") if self.running else None)

    @property
    def timing(self) -> list[Part]:
        return parts(self.attempt) if self.attempt else []

    @property
    def version(self) -> str:
        """Changes whenever the page would change."""
        latest = self.attempt
        state = [
            self.submission.state,
            self.events[-1].pk if self.events else 0,
            self.position,
            self.unserved_device,
            about(self.prediction.wait_s),
            [[run.pk, run.state, run.counts] for run in self.runs],
            latest and [latest.pk, latest.progress, len(latest.epochs), str(latest.ended_at)],
        ]
        return _digest(state)


def run_view(submission: Submission) -> RunView:
    return RunView(
        submission=submission,
        attempts=list(submission.attempts.select_related("hardware", "worker").order_by("number")),
        events=list(submission.events.select_related("user", "attempt")),
        position=position(submission),
        unserved_device=unserved_device(submission),
        prediction=prediction(submission),
        runs=runs_of(submission),
    )


def unserved_device(submission: Submission) -> str:
    """The device that a queued submission waits for if no worker serves it; else empty."""
    if submission.state != State.QUEUED:
        return ""
    takers = [Device.CPU, Device.GPU] if submission.device == Device.AUTO else [submission.device]
    return "" if Worker.objects.serving().filter(device__in=takers).exists() else Device(submission.device).value


def version_of_rows(submissions: list[Submission]) -> str:
    """Changes whenever one of these rows would. The rows must come with their attempts."""
    return _digest(
        [[row.pk, row.state, row.cancel_asked, row.counts, row.disqualified, _progress(row)] for row in submissions]
    )


def _progress(submission: Submission) -> object:
    latest = submission.last_attempt
    return [latest.pk, latest.progress] if latest else None


def _digest(state: object) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]
