"""A worker's row in the database: written as it starts, kept fresh by heartbeats, and marked as it stops."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import Error, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Value
from django.db.models.functions import Now

from submissions.database import clock
from submissions.database.write_lock import writing
from submissions.models import Hardware, Worker
from submissions.models.runs import WorkerQuerySet
from submissions.queue.wakeups import send
from submissions.queue.worker_duty import UPKEEP
from workers.probes import hardware

logger = structlog.get_logger(__name__)
HEARTBEAT_SECONDS = 5
OVERDUE_SECONDS = 2 * HEARTBEAT_SECONDS

registered_worker: Worker | None = None


class CannotServe(Exception):
    """This worker must not start; the message says why."""


def this_worker() -> Worker:
    """The row of the worker that this process belongs to; pool children inherit it."""
    if registered_worker is None:
        raise CannotServe("This process is no worker: it has not registered.")
    return registered_worker


def register(*, name: str, device: str, slots: int) -> Worker:
    """Create the row for this start of a worker. Raises CannotServe if the worker could only do harm."""
    global registered_worker
    _check_tables()
    _mark_former_stopped(name)
    _check_version(device)
    if device == "gpu" and not hardware.has_gpu():
        raise CannotServe(
            "A worker on queue 'gpu' must see a GPU, and there is none here: check the driver with nvidia-smi, install "
            "requirements/gpu.txt, or start it with DEVICE=cpu."
        )
    with writing():
        machine, now = _hardware(device), clock.now()
        registered_worker = Worker.objects.create(
            name=name,
            host=socket.gethostname(),
            pid=os.getpid(),
            device=device,
            slots=slots,
            version=settings.QUEST_VERSION,
            hardware=machine,
            started_at=now,
            last_seen_at=now,
        )
    connections.close_all()  # the pool's children are about to be forked
    return registered_worker


def _hardware(device: str) -> Hardware:
    """The row for this machine's hardware; machines of one kind share one."""
    seen = hardware.describe("gpu" if device == "gpu" else "cpu")
    gpu = seen["gpu"] or {}
    described = {
        "cpu_model": seen["cpu"],
        "cores": seen["cores_logical"],
        "physical_cores": seen["cores_physical"],
        "instruction_sets": seen["instruction_sets"],
        "ram_bytes": seen["ram_bytes"],
        "os": seen["os"],
        "gpu_name": gpu.get("name") or "",
        "gpu_memory_bytes": gpu.get("memory_bytes"),
        "gpu_driver": gpu.get("driver") or "",
        "cuda": gpu.get("cuda") or "",
    }
    return Hardware.objects.get_or_create(key=seen["key"], defaults=described)[0]


def _check_tables() -> None:
    executor = MigrationExecutor(connections["default"])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CannotServe("The database is not at this version's tables: run `manage.py migrate` first.")


def _mark_former_stopped(name: str) -> None:
    """Mark a former worker of this name on this machine as stopped: if it was killed, it still seems alive."""
    with writing():
        Worker.objects.filter(name=name, host=socket.gethostname(), stopped_at=None).update(stopped_at=Now())


def _check_version(device: str) -> None:
    for other in _authority_on_version(device).exclude(version=settings.QUEST_VERSION):
        raise CannotServe(
            f"This is version {settings.QUEST_VERSION} and the service runs {other.version} ({other.name} on "
            f"{other.host}): install the same version on every machine."
        )


def _authority_on_version(device: str) -> WorkerQuerySet:
    """The workers that decide which version the service runs: the upkeep worker, which runs on the service's machine.

    Without one, a worker that trains asks the workers of other machines. It does not ask those of its own machine:
    after a deploy, killed ones there seem alive for some seconds.
    """
    alive = Worker.objects.alive()
    upkeep = alive.filter(device=UPKEEP)
    return upkeep if device == UPKEEP or upkeep.exists() else alive.exclude(host=socket.gethostname())


def _own_row() -> WorkerQuerySet:
    """Found by its start too: after a restore from a backup, the id may be another worker's."""
    return Worker.objects.filter(pk=this_worker().pk, started_at=this_worker().started_at)


def heartbeat() -> bool:
    """Called every few seconds by the timer of the worker's main process.

    False: the database does not know this worker as a running one, so it should restart.
    """
    try:
        with writing():
            return bool(_own_row().filter(stopped_at=None).update(last_seen_at=Now()))
    except Error as error:
        logger.warning("heartbeat not written", error=str(error))
        connections.close_all()
        return True


def heartbeat_if_overdue() -> None:
    """Called by a supervisor during a run, on behalf of a main process that cannot write its heartbeat.

    While the broker is away, Celery's main process waits for it and runs no timers. Its runs go on, so the worker
    must not seem dead.
    """
    overdue = Now() - Value(timedelta(seconds=OVERDUE_SECONDS))
    if _own_row().filter(stopped_at=None, last_seen_at__lt=overdue).exists():
        heartbeat()


def note_reaped() -> None:
    """Record when the upkeep worker last ended a round. Only this reveals a beat process that has stopped."""
    with writing():
        _own_row().filter(device="upkeep").update(reaped_at=Now())


def deregister() -> None:
    """Mark this worker stopped, and wake CPU workers: `auto` runs that waited for its GPU are free for them now."""
    with writing():
        _own_row().update(stopped_at=Now())
    if this_worker().device == "gpu":
        send("cpu")
