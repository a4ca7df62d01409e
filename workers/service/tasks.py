"""The Celery tasks, and the hooks that run as a worker starts and stops. The work itself is done elsewhere."""

from __future__ import annotations

import os
import signal
import uuid
from typing import Any

import structlog
from celery import bootsteps, current_app, shared_task
from celery.signals import worker_init, worker_process_init, worker_process_shutdown
from django.db import connections

from submissions.queue.claims import claim
from workers.processes.parent_death import die_with_parent
from workers.service import consumer_switch, reaper
from workers.supervisor import database_timeout, registration, result_spool
from workers.supervisor.supervisor import Supervisor, hand_over

logger = structlog.get_logger(__name__)
own_supervisor: Supervisor | None = None


@shared_task(name="workers.work_one")
def work_one(device: str) -> None:
    """Claim the fairest queued submission for `device` and run it. Delivered twice, it trains once."""
    lease = uuid.uuid4()
    try:
        if attempt := claim(device=device, worker=registration.this_worker(), lease=lease):
            supervisor().see_through(attempt)
    except (SystemExit, KeyboardInterrupt):
        # It may come after the claim is committed but before `attempt` is assigned, so find the attempt by its lease.
        hand_over(lease)
        raise


@shared_task(name="workers.reap")
def reap() -> None:
    """Return lost runs to the queue, and send missing wake-ups."""
    if reaper.reap():
        registration.note_reaped()


def supervisor() -> Supervisor:
    """This pool child's supervisor, which keeps a trainer warm from one run to the next."""
    global own_supervisor
    if own_supervisor is None:
        worker, cores = registration.this_worker(), registration.this_worker().hardware.cores
        own_supervisor = Supervisor(device=worker.device, threads=max(1, cores // worker.slots), cores=cores)
    return own_supervisor


class Heartbeat(bootsteps.StartStopStep):
    """Keeps the worker's row fresh from the main process, however busy its children are."""

    requires = {"celery.worker.components:Timer"}

    def start(self, parent: Any) -> None:
        self.worker = parent
        self.timer = parent.timer.call_repeatedly(registration.HEARTBEAT_SECONDS, self.beat)

    def beat(self) -> None:
        with database_timeout.limited():
            registered = registration.heartbeat()
            result_spool.deliver()  # of pool children that were killed
        if not registered:
            logger.error("the database does not know this worker any more: it stops, to be restarted")
            os.kill(os.getpid(), signal.SIGTERM)
        connections.close_all()  # a pool child that is forked now would share it
        consumer_switch.listen(self.worker.consumer, registration.this_worker().device, wanted=consumer_switch.wanted())

    def stop(self, parent: Any) -> None:
        self.timer.cancel()
        registration.deregister()

    terminate = stop  # called instead at a cold shutdown, which TERM becomes


current_app.steps["worker"].add(Heartbeat)


@worker_init.connect
def _start(sender: Any, **_: Any) -> None:
    queues = list(sender.app.amqp.queues.consume_from)
    if len(queues) != 1:
        raise SystemExit(
            f"A worker serves one queue (`-Q cpu`, `-Q gpu` or `-Q upkeep`), but this one was given {queues}."
        )
    try:
        worker = registration.register(name=sender.hostname, device=queues[0], slots=sender.concurrency or 1)
        # The pool's children inherit this, so it is in all of their log lines.
        structlog.contextvars.bind_contextvars(worker=worker.name, worker_id=worker.pk)
        result_spool.deliver()
    except registration.CannotServe as refusal:
        raise SystemExit(str(refusal)) from None
    except Exception as error:  # Celery would log it and start all the same
        raise SystemExit(f"This worker could not register: {error!r}") from error


@worker_process_init.connect
def _warm_up(**_: Any) -> None:
    die_with_parent()
    if registration.this_worker().device != "upkeep":
        supervisor().warm_up()


@worker_process_shutdown.connect
def _cool_down(**_: Any) -> None:
    if own_supervisor is not None:
        own_supervisor.cool_down()
