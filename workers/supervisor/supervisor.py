"""Runs attempts one after another: keeps a trainer warm and has a RunMonitor follow each run.

The supervisor lives in a pool child and never imports a machine-learning library.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import Error as DatabaseError  # InterfaceError, of a connection that was cut, is no DatabaseError
from django.db import connections

from submissions.models import Attempt, Exit, Quest
from submissions.queue import leases
from submissions.queue.lifecycle import MoveRefused
from submissions.specs.families import family_named, offered
from workers.processes.trainer_process import TrainerProcess
from workers.supervisor import result_spool
from workers.supervisor.lease_keeper import Fenced
from workers.supervisor.run_monitor import NOT_STARTED, UNFIT, RunMonitor
from workers.supervisor.slots import gains_by_threads

logger = structlog.get_logger(__name__)
MOST_RUNS = 50  # then a fresh trainer replaces this one
MOST_IDLE_BYTES = 3 << 30  # a trainer that holds more than this between runs has leaked
SHUT_DOWN = "The worker was shut down. Another worker will run it."


class Supervisor:
    """Keeps a trainer warm from one run to the next; call it only from the pool child's main thread."""

    def __init__(self, *, device: str, threads: int, cores: int) -> None:
        self.device = device
        self.threads, self.cores = threads, cores  # a slot's share of the cores, and all cores
        self.trainer = TrainerProcess()

    def warm_up(self, threads: int = 0) -> None:
        """Start a trainer and have it import its libraries before a run needs it."""
        if self.trainer.alive():
            return
        families = [family.name for family in offered() if self.device in family.devices]
        self.trainer = TrainerProcess()
        self.trainer.start(
            threads=threads or self.threads,
            most=self.cores,
            device=self.device,
            warm=families,
            dataset=_likely_dataset(),
        )

    def make_ready(self, attempt: Attempt) -> int:
        """Have a trainer ready for this run; returns the number of threads granted to the run.

        Some libraries take their threads once, as they load. A trainer with more than a slot's share for them is worth
        its start for few runs.
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

        The worker may be stopped at any moment, which raises SystemExit here: the caller then releases the run.
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
            self.retire_trainer_if_due(attempt)
            structlog.contextvars.unbind_contextvars("submission", "attempt")
        self.warm_up()

    def _follow(self, attempt: Attempt) -> None:
        try:
            threads = self.make_ready(attempt)  # may replace self.trainer
        except OSError as error:  # no memory for another process, or no interpreter any more
            unfit = NOT_STARTED.format(error=error)
            RunMonitor(attempt, self.trainer, threads=0).release_as_lost(UNFIT, unfit=unfit)
        else:
            RunMonitor(attempt, self.trainer, threads=threads).follow()

    def retire_trainer_if_due(self, last: Attempt) -> None:
        """End a trainer that has done its runs, leaked memory, or has more threads than a slot's share.

        After an exclusive run it keeps those threads: the next run is likely exclusive too.
        """
        worn = self.trainer.runs >= MOST_RUNS or self.trainer.memory_bytes() > MOST_IDLE_BYTES
        if worn or (self.trainer.threads != self.threads and not last.exclusive):
            self.trainer.kill()


def hand_over(lease: UUID) -> None:
    """Called as the worker shuts down: score the run under `lease` if it is done, else release it uncounted."""
    try:
        attempt = Attempt.objects.select_related("worker").filter(lease=lease, ended_at=None).first()
        if attempt and not result_spool.score_spooled(attempt):
            leases.release(attempt, Exit.DRAINED, reason=SHUT_DOWN)
    except (MoveRefused, DatabaseError) as error:
        logger.warning("not given back; the reaper will", error=str(error))


def _likely_dataset() -> str:
    """The data set of the next run, most likely; empty if no quest is open."""
    try:
        return Quest.objects.accepting().values_list("dataset", flat=True).first() or ""
    except DatabaseError:
        connections.close_all()
        return ""
