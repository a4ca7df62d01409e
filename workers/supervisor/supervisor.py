"""Sees one attempt through: drives a trainer, keeps the lease, enforces the limits, and writes the end of it.

The supervisor lives in a pool child and never imports a machine-learning library. It never waits for its trainer
longer than a fifth of a second, nor for the database longer than some seconds, so whatever happens – a cancel, a lost
lease, a limit, a crash – it can act. Time and memory are limited without asking a database.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from django.db import Error as DatabaseError  # InterfaceError, of a connection that was cut, is no DatabaseError
from django.db import connections

from submissions.database import clock
from submissions.database.write_lock import writing
from submissions.models import Attempt, Exit, Quest, Worker
from submissions.queue import leases
from submissions.queue.lifecycle import MoveRefused
from submissions.queue.worker_duty import drained, withdraw
from submissions.specs.families import family_named, offered
from workers.processes.protocol import Message
from workers.processes.trainer_process import TrainerGone, TrainerProcess
from workers.supervisor import memory_limit, result_spool
from workers.supervisor.lease_keeper import Fenced, Interval, LeaseKeeper
from workers.supervisor.slots import gains_by_threads

logger = structlog.get_logger(__name__)
TICK_SECONDS = 0.2
EPOCH_FIGURES = ("epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy")
LOOK_SECONDS = 0.5  # between two looks at the cancel flag and the trainer's memory
MOST_RUNS = 50
START_SECONDS = 600  # for what comes before `fit`: a trainer, its libraries, the data, the steps before the model
UNFIT = "Its worker lacks what every run needs, and was taken out of service."
SHUT_DOWN = "The worker was shut down, so another one takes it over."
TAKEN_OUT = "An instructor took the worker out of service, so another one takes it over."
MOST_IDLE_BYTES = 3 << 30  # a trainer that holds more than this between runs has leaked


class Supervisor:
    """Keeps a trainer warm from one run to the next; call it from the pool child's main thread alone."""

    def __init__(self, *, device: str, threads: int, cores: int) -> None:
        self.device = device
        self.threads, self.cores = threads, cores  # a slot's share, and all there are
        self.trainer = TrainerProcess()

    def warm_up(self, threads: int = 0) -> None:
        """Start a trainer, libraries imported, before anybody waits for it."""
        if self.trainer.alive():
            return
        families = [family.name for family in offered() if self.device in family.devices]
        self.trainer = TrainerProcess()
        self.trainer.start(
            threads=threads or self.threads,
            most=self.cores,
            device=self.device,
            warm=families,
            dataset=_dataset_in_demand(),
        )

    def make_ready(self, attempt: Attempt) -> int:
        """See that there is a trainer for this run; how many threads it is granted there.

        One with more than a slot's share for libraries that take their threads once is worth its start for few.
        """
        submission, threads = attempt.submission, attempt.threads_asked or self.threads
        if family_named(submission.family).fixed_threads:
            more = attempt.exclusive or gains_by_threads(submission.spec, submission.quest.dataset)
            fixed = threads if more else self.threads
            if self.trainer.threads != fixed:
                self.trainer.kill()
            self.warm_up(fixed)
        self.warm_up()
        return threads

    def cool_down(self) -> None:
        self.trainer.kill()

    def see_through(self, attempt: Attempt) -> None:
        """Train and score `attempt`'s submission. However that goes, the submission is not left running.

        Whoever calls gives it back when the worker is told to leave meanwhile, which is a SystemExit at any moment.
        """
        try:
            structlog.contextvars.bind_contextvars(submission=attempt.submission_id, attempt=attempt.pk)
            logger.info("run begins", number=attempt.number, device=self.device)
            self._follow(attempt)
        except Fenced:
            logger.warning("lease lost: nothing written")
            self.trainer.kill()
        except (SystemExit, KeyboardInterrupt):
            self.trainer.kill()
            raise
        except Exception:
            logger.exception("run broke off; the reaper will give it back")
            self.trainer.kill()  # or the next run would wait for the end of this one
            raise
        finally:
            self._retire_if_worn(attempt)
            structlog.contextvars.unbind_contextvars("submission", "attempt")
        self.warm_up()

    def _follow(self, attempt: Attempt) -> None:
        try:
            threads = self.make_ready(attempt)  # by another trainer, perhaps, than the one that was there
        except OSError as error:  # no memory for another process, or no interpreter any more
            unfit = f"The training process could not be started: {error}"
            Watch(attempt, self.trainer, threads=0).lost(UNFIT, unfit=unfit)
        else:
            Watch(attempt, self.trainer, threads=threads).follow()

    def _retire_if_worn(self, last: Attempt) -> None:
        """Also one that was started for a single run; after an exclusive run the next is likely another."""
        worn = self.trainer.runs >= MOST_RUNS or self.trainer.memory_bytes() > MOST_IDLE_BYTES
        if worn or (self.trainer.threads != self.threads and not last.exclusive):
            self.trainer.kill()


def let_go(lease: UUID) -> None:
    """The worker is told to leave: what it claimed under `lease` is scored if it is done, else given back uncounted."""
    try:
        attempt = Attempt.objects.select_related("worker").filter(lease=lease, ended_at=None).first()
        if attempt and not result_spool.hand_in(attempt):
            leases.release(attempt, Exit.DRAINED, reason=SHUT_DOWN)
    except (MoveRefused, DatabaseError) as error:
        logger.warning("not given back; the reaper will", error=str(error))


def _dataset_in_demand() -> str:
    """The data set that the next run is most likely on; empty where none is."""
    try:
        return Quest.objects.accepting().values_list("dataset", flat=True).first() or ""
    except DatabaseError:
        connections.close_all()
        return ""


def job_for(attempt: Attempt) -> Message:
    """What the trainer is told to do."""
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


class Watch:
    """One run: what its trainer says, and what must be looked at meanwhile."""

    def __init__(self, attempt: Attempt, trainer: TrainerProcess, *, threads: int) -> None:
        self.attempt, self.trainer, self.threads = attempt, trainer, threads
        self.quest = attempt.submission.quest
        self.began, self.fit_began = time.monotonic(), 0.0
        self.hold = LeaseKeeper(attempt)
        self.look, self.write = Interval(LOOK_SECONDS), Interval(0.7, first=True)
        self.epochs: list[Message] = []
        self.latest: Message = {}

    def follow(self) -> None:
        sent = self.hold.ask(lambda: _claimed(self.attempt)) or time.monotonic()
        try:
            self.trainer.send({**job_for(self.attempt), "threads": self.threads, "sent": sent})
        except TrainerGone as gone:
            return self.lost(f"The training process could not be started: {gone}")
        while True:
            message = self.trainer.receive(TICK_SECONDS) or {}
            if message.get("attempt", self.attempt.pk) == self.attempt.pk and self.handle_message(message):
                return None
            if self.check():
                return None

    def handle_message(self, message: Message) -> bool:
        """Act on a message; True once the run has ended."""
        match message.get("event"):
            case "done":
                self._scored(message["result"])
            case "failed":
                self._failed(message)
            case "exited":
                self._crashed(message["code"])
            case "started" | "progress":
                self._note(message)
                return False
            case _:
                return False
        return True

    def _crashed(self, code: int) -> None:
        if self.fit_began:
            self._gave_up(Exit.CRASHED, f"The training process crashed (exit code {code}).")
        else:
            self.lost(f"The training process ended before the training began (exit code {code}).")

    def _note(self, message: Message) -> None:
        if "loss" in message:
            self.epochs.append({name: message[name] for name in EPOCH_FIGURES if name in message})
        self.latest = {name: value for name, value in message.items() if name not in ("attempt", "event")}
        if message["event"] == "started":
            self.fit_began = time.monotonic()
        if message["event"] == "started" or self.write.due():
            self.hold.ask(lambda: leases.note_progress(self.attempt, self.latest or {"phase": "fit"}, self.epochs))

    def check(self) -> bool:
        """Look at the limits, beat the heart, and ask whether to go on; True if the run was ended."""
        looks = self.look.due()
        # The limits first: they hold without a database, which may be away or hang.
        if looks and self._beyond_a_limit():
            return True
        self.hold.beat()
        return looks and self._called_off()

    def _beyond_a_limit(self) -> bool:
        """The quest's time is for the training: how long a busy machine takes to get there is no fault of the model."""
        now = time.monotonic()
        if self.fit_began and now - self.fit_began > self.quest.run_seconds:
            self._end(lambda attempt: leases.time_out(attempt, output=self.trainer.output_tail))
        elif not self.fit_began and now - self.began > START_SECONDS:
            self.lost(f"The training had not begun after {START_SECONDS:,} seconds.")
        elif excess := self._excess():
            self._gave_up(Exit.OUT_OF_MEMORY, excess)
        else:
            return False
        return True

    def _called_off(self) -> bool:
        if self.hold.ask(lambda: leases.cancel_asked(self.attempt)):
            self._end(lambda attempt: leases.record_cancelled(attempt, output=self.trainer.output_tail))
        elif self.hold.ask(lambda: drained(self.attempt.worker)):
            self._end(lambda attempt: leases.release(attempt, Exit.DRAINED, reason=TAKEN_OUT))
        else:
            return False
        return True

    def _excess(self) -> str:
        slots = 1 if self.attempt.exclusive else self.attempt.worker.slots
        return memory_limit.excess(self.trainer.memory_bytes(), allowed_mb=self.quest.memory_mb, slots=slots)

    def _scored(self, result: dict[str, Any]) -> None:
        result["output"] = self.trainer.output_tail
        file = result_spool.keep(self.attempt, result)
        try:
            written = self.hold.persist(lambda: self._write_score(result))
        except Fenced:
            logger.warning("a late result was refused")
            result_spool.drop(self.attempt, file)
            raise
        result_spool.drop(self.attempt, file)
        if written:
            public = result["public"]
            logger.info("run scored", correct=public["correct"], total=public["total"], **result["timing"])

    def _write_score(self, result: dict[str, Any]) -> None:
        contended = bool(result.get("contended") or self.attempt.other_runs or _had_company(self.attempt))
        leases.record_score(self.attempt, {**result, "contended": contended})

    def _failed(self, message: Message) -> None:
        if message["kind"] == "memory":
            return self._out_of_memory(message["traceback"])
        if message["kind"] == "platform":
            return self.lost(UNFIT, traceback=message["traceback"], unfit=message["message"])
        reason, traceback = f"The training stopped with an error: {message['message']}", message["traceback"]
        output = self.trainer.output_tail
        self.hold.persist(lambda: leases.fail(self.attempt, reason=reason, traceback=traceback, output=output))
        logger.info("run failed", reason=reason)
        return None

    def _out_of_memory(self, traceback: str = "") -> None:
        reason = f"It needed more memory than the quest allows ({self.quest.memory_mb:,} MB)."
        self._gave_up(Exit.OUT_OF_MEMORY, reason, traceback)

    def lost(self, reason: str, *, unfit: str = "", traceback: str = "") -> None:
        """Give it back as a fault of the platform; where this worker is `unfit` for more, it claims no more.

        That it lost a run may be a mishap; if it lost the one before too, it would go on to lose the whole queue.
        """
        self.trainer.kill()
        worker, output = self.attempt.worker, self.trainer.output_tail

        def let_go() -> None:
            with writing():
                if unfit or _lost_its_last(worker):
                    withdraw(worker, reason=unfit or reason)
                leases.release(self.attempt, Exit.LOST, reason=reason, traceback=traceback, output=output)

        self.hold.persist(let_go)
        logger.warning("run given back", exit=str(Exit.LOST), reason=reason, unfit=unfit)

    def _gave_up(self, exit_: Exit, reason: str, traceback: str = "") -> None:
        self.trainer.kill()
        output = self.trainer.output_tail
        self.hold.persist(
            lambda: leases.release(self.attempt, exit_, reason=reason, traceback=traceback, output=output)
        )
        logger.warning("run given back", exit=str(exit_), reason=reason)

    def _end(self, move: Callable[[Attempt], object]) -> None:
        self.trainer.kill()
        self.hold.persist(lambda: move(self.attempt))


def _claimed(attempt: Attempt) -> float:
    """When it was claimed, on `time.monotonic`'s clock: what is measured from then on joins its wait in the queue."""
    return time.monotonic() - max(0.0, (clock.now() - attempt.started_at).total_seconds())


def _lost_its_last(worker: Worker) -> bool:
    ended = worker.attempts.filter(ended_at__isnull=False).order_by("-ended_at", "-pk")
    return ended.values_list("exit", flat=True).first() == Exit.LOST


def _had_company(attempt: Attempt) -> bool:
    """Whether another run on the same host began while this one was going."""
    host = attempt.worker.host
    others = Attempt.objects.filter(worker__host=host, started_at__gte=attempt.started_at).exclude(pk=attempt.pk)
    return others.exists()
