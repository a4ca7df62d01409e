"""Pausing, draining and resuming a worker."""

from __future__ import annotations

from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.models import DeskEvent, Device, Duty, User, Worker
from submissions.models.runs import WorkerQuerySet
from submissions.queue.wakeups import QUEUES, wake

UPKEEP = "upkeep"
_EVENT_KINDS = {
    Duty.ON: DeskEvent.Kind.WORKER_RESUMED,
    Duty.PAUSED: DeskEvent.Kind.WORKER_PAUSED,
    Duty.DRAINED: DeskEvent.Kind.WORKER_DRAINED,
}


class DutyRefused(Exception):
    """The worker's duty was not changed, for the reason given."""


def set_duty(worker: Worker, duty: Duty, *, user: User) -> None:
    """Resume, pause or drain `worker`, which notices within seconds.

    A paused worker finishes its current runs. A drained one releases them, uncounted, as at a deploy. Both last until
    the worker is resumed or restarted.
    """
    if worker.device == UPKEEP:
        raise DutyRefused(_("The upkeep worker does maintenance and takes no runs, so it cannot be paused."))
    with writing():
        if not Worker.objects.alive().filter(pk=worker.pk).exclude(duty=duty).update(duty=duty):
            words = _("%(worker)s has stopped, or somebody else has already done this.")
            raise DutyRefused(words % {"worker": worker})
        DeskEvent.record(_EVENT_KINDS[duty], user=user, subject=worker.name)
        wake(QUEUES[Device.AUTO])  # it may claim again; or submissions that waited for a paused GPU may go elsewhere


def withdraw(worker: Worker, *, reason: str) -> None:
    """Pause `worker` at its own request: it found that it cannot run anything, for `reason`."""
    with writing():
        if not _rows(worker).filter(duty=Duty.ON).update(duty=Duty.PAUSED):
            return  # its other slot or an instructor was faster
        DeskEvent.record(DeskEvent.Kind.WORKER_PAUSED, actor=worker.name, subject=worker.name, detail=reason)
        wake(QUEUES[Device.AUTO])


def why_off_duty(worker: Worker) -> str:
    """The reason recorded when `worker` was last paused or drained; empty if an instructor did it without one."""
    events = DeskEvent.objects.filter(subject=worker.name, at__gte=worker.started_at, kind__in=_EVENT_KINDS.values())
    return events.values_list("detail", flat=True).first() or ""


def on_duty(worker: Worker) -> bool:
    """Whether `worker` may claim now; a stopped one, or one marked as stopped, may not."""
    return _rows(worker).filter(duty=Duty.ON, stopped_at=None).exists()


def drained(worker: Worker) -> WorkerQuerySet:
    """The row of `worker` if it has been asked to release its runs; else empty."""
    return _rows(worker).filter(duty=Duty.DRAINED)


def _rows(worker: Worker) -> WorkerQuerySet:
    """Looks up the start as well: in a database restored from a backup the id may belong to another worker."""
    return Worker.objects.filter(pk=worker.pk, started_at=worker.started_at)
