"""Follows one run to its end: handles the trainer's events, enforces the limits, and records how the run ended.

It never waits for the trainer longer than a fifth of a second, nor for the database longer than some seconds, so it can
always act: on a cancel, a lost lease, a limit, a crash. Time and memory are limited without asking a database.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog

from submissions.database import clock
from submissions.database.write_lock import writing
from submissions.models import Attempt, Exit, Worker
from submissions.queue import leases
from submissions.queue.leases import StopRequest
from submissions.queue.worker_duty import withdraw
from workers.processes.protocol import (
    FailedEvent,
    ProgressEvent,
    StartedEvent,
    TrainerEvent,
    TrainerResult,
    TrainJob,
)
from workers.processes.trainer_process import TrainerGone, TrainerProcess
from workers.supervisor import memory_limit, result_spool
from workers.supervisor.lease_keeper import Fenced, Interval, LeaseKeeper

logger = structlog.get_logger(__name__)
TICK_SECONDS = 0.2
CHECK_SECONDS = 0.5  # between two checks of the limits and of requests to stop
PROGRESS_SECONDS = 0.7  # between two writes of a run's progress
START_SECONDS = 600  # for everything before `fit`: a trainer, its libraries, the data, the steps before the model
EPOCH_FIGURES = ("epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy")
UNFIT = "The worker lacks something that every run needs, and was taken out of service."
TAKEN_OUT = "An instructor took the worker out of service. Another worker will run it."
NOT_STARTED = "The training process could not be started: {error}"


def job_for(attempt: Attempt) -> TrainJob:
    """The job for the trainer."""
    submission, quest = attempt.submission, attempt.submission.quest
    return {
        "do": "train",
        "attempt": attempt.pk,
        "spec": submission.spec,
        "engine": submission.engine,
        "dataset": quest.dataset,
        "seed": submission.seed,
        "device": attempt.device,
        "private_share": quest.private_share,
        "split_seed": quest.split_seed,
    }


class RunMonitor:
    def __init__(self, attempt: Attempt, trainer: TrainerProcess, *, threads: int) -> None:
        self.attempt, self.trainer, self.threads = attempt, trainer, threads
        self.quest = attempt.submission.quest
        self.began, self.fit_began = time.monotonic(), 0.0
        self.lease = LeaseKeeper(attempt)
        self.next_check, self.next_progress = Interval(CHECK_SECONDS), Interval(PROGRESS_SECONDS, first=True)
        self.epochs: list[dict[str, Any]] = []
        self.latest: dict[str, Any] = {}

    def follow(self) -> None:
        """Send the job, and return once the run has ended. Raises Fenced if the lease is lost."""
        sent = self.lease.try_query(lambda: _claimed_at(self.attempt)) or time.monotonic()
        try:
            self.trainer.send({**job_for(self.attempt), "threads": self.threads, "sent": sent})
        except TrainerGone as gone:
            return self.release_as_lost(NOT_STARTED.format(error=gone))
        while True:
            event = self.trainer.receive(TICK_SECONDS)
            if event and event.get("attempt", self.attempt.pk) == self.attempt.pk and self.handle_event(event):
                return None
            if self.check():
                return None

    def handle_event(self, event: TrainerEvent) -> bool:
        """Act on an event; True once the run has ended."""
        if event["event"] == "done":
            self._record_score(event["result"])
        elif event["event"] == "failed":
            self._record_failure(event)
        elif event["event"] == "exited":
            self._record_crash(event["code"])
        else:
            if event["event"] == "started" or event["event"] == "progress":
                self._record_progress(event)
            return False
        return True

    def check(self) -> bool:
        """Enforce the limits, renew the lease, and ask whether to stop; True if the run was ended."""
        due = self.next_check.due()
        # The limits first: they hold without a database, which may be away or hang.
        if due and self._end_beyond_limits():
            return True
        self.lease.renew_if_due()
        return due and self._stop_if_asked()

    def release_as_lost(self, reason: str, *, unfit: str = "", traceback: str = "") -> None:
        """Release the run as lost by the platform. `unfit` says why this worker cannot run anything.

        The worker then claims nothing more, nor if it lost the run before too: it might go on to lose the queue.
        """
        self.trainer.kill()
        worker, output = self.attempt.worker, self.trainer.output_tail

        def release() -> None:
            with writing():
                if unfit or _lost_its_last_run(worker):
                    withdraw(worker, reason=unfit or reason)
                leases.release(self.attempt, Exit.LOST, reason=reason, traceback=traceback, output=output)

        self.lease.persist(release)
        logger.warning("run given back", exit=str(Exit.LOST), reason=reason, unfit=unfit)

    def _end_beyond_limits(self) -> bool:
        """The quest's time limit starts with `fit`: a slow start on a busy machine is not the model's fault."""
        now = time.monotonic()
        if self.fit_began and now - self.fit_began > self.quest.run_seconds:
            self._kill_and_record(lambda: leases.time_out(self.attempt, output=self.trainer.output_tail))
        elif not self.fit_began and now - self.began > START_SECONDS:
            self.release_as_lost(f"The training had not begun after {START_SECONDS:,} seconds.")
        elif excess := self._memory_excess():
            self._release(Exit.OUT_OF_MEMORY, excess)
        else:
            return False
        return True

    def _memory_excess(self) -> str:
        slots = 1 if self.attempt.exclusive else self.attempt.worker.slots
        return memory_limit.excess(self.trainer.memory_bytes(), allowed_mb=self.quest.memory_mb, slots=slots)

    def _stop_if_asked(self) -> bool:
        match self.lease.try_query(lambda: leases.stop_request(self.attempt)):
            case StopRequest.CANCEL:
                self._kill_and_record(lambda: leases.record_cancelled(self.attempt, output=self.trainer.output_tail))
            case StopRequest.DRAIN:
                self._kill_and_record(lambda: leases.release(self.attempt, Exit.DRAINED, reason=TAKEN_OUT))
            case _:
                return False
        return True

    def _record_progress(self, event: StartedEvent | ProgressEvent) -> None:
        """Keep the latest figures; write them for the run's page at the start and every `PROGRESS_SECONDS`."""
        if "loss" in event:
            self.epochs.append({name: value for name, value in event.items() if name in EPOCH_FIGURES})
        self.latest = {name: value for name, value in event.items() if name not in ("attempt", "event")}
        started = event["event"] == "started"
        if started:
            self.fit_began = time.monotonic()
        if started or self.next_progress.due():
            progress = self.latest or {"phase": "fit"}
            self.lease.try_query(lambda: leases.note_progress(self.attempt, progress, self.epochs))

    def _record_score(self, result: TrainerResult) -> None:
        result["output"] = self.trainer.output_tail
        file = result_spool.keep(self.attempt, result)
        try:
            recorded = self.lease.persist(lambda: self._write_score(result))
        except Fenced:
            logger.warning("a late result was refused")
            result_spool.drop(self.attempt, file)
            raise
        result_spool.drop(self.attempt, file)
        if recorded:
            public = result["public"]
            logger.info("run scored", correct=public["correct"], total=public["total"], **result["timing"])

    def _write_score(self, result: TrainerResult) -> None:
        contended = bool(result.get("contended") or self.attempt.other_runs or _overlapped(self.attempt))
        leases.record_score(self.attempt, {**result, "contended": contended})

    def _record_failure(self, event: FailedEvent) -> None:
        traceback = event["traceback"]
        if event["kind"] == "memory":
            reason = f"It needed more memory than the quest allows ({self.quest.memory_mb:,} MB)."
            return self._release(Exit.OUT_OF_MEMORY, reason, traceback)
        if event["kind"] == "platform":
            return self.release_as_lost(UNFIT, traceback=traceback, unfit=event["message"])
        reason, output = f"The training stopped with an error: {event['message']}", self.trainer.output_tail
        self.lease.persist(lambda: leases.fail(self.attempt, reason=reason, traceback=traceback, output=output))
        logger.info("run failed", reason=reason)
        return None

    def _record_crash(self, code: int | None) -> None:
        if self.fit_began:
            self._release(Exit.CRASHED, f"The training process crashed (exit code {code}).")
        else:
            self.release_as_lost(f"The training process ended before the training began (exit code {code}).")

    def _release(self, exit_: Exit, reason: str, traceback: str = "") -> None:
        """Release the run, to be tried again if attempts are left."""
        self.trainer.kill()
        output = self.trainer.output_tail
        self.lease.persist(
            lambda: leases.release(self.attempt, exit_, reason=reason, traceback=traceback, output=output)
        )
        logger.warning("run given back", exit=str(exit_), reason=reason)

    def _kill_and_record(self, record: Callable[[], object]) -> None:
        self.trainer.kill()
        self.lease.persist(record)


def _claimed_at(attempt: Attempt) -> float:
    """The time of the claim on `time.monotonic`'s clock. A run's measured time starts then, where its wait ends."""
    return time.monotonic() - max(0.0, (clock.now() - attempt.started_at).total_seconds())


def _lost_its_last_run(worker: Worker) -> bool:
    ended = worker.attempts.filter(ended_at__isnull=False).order_by("-ended_at", "-pk")
    return ended.values_list("exit", flat=True).first() == Exit.LOST


def _overlapped(attempt: Attempt) -> bool:
    """Whether another run on the same host began during this one."""
    host = attempt.worker.host
    others = Attempt.objects.filter(worker__host=host, started_at__gte=attempt.started_at).exclude(pk=attempt.pk)
    return others.exists()
