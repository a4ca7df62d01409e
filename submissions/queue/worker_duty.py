"""Pausing, draining and resuming a worker."""

from __future__ import annotations

from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.models import DeskEvent, Device, Duty, User, Worker
from submissions.models.runs import WorkerQuerySet
from submissions.queue.wakeups import QUEUES, wake

UPKEEP = "upkeep"
_KINDS = {
    Duty.ON: DeskEvent.Kind.WORKER_RESUMED,
    Duty.PAUSED: DeskEvent.Kind.WORKER_PAUSED,
    Duty.DRAINED: DeskEvent.Kind.WORKER_DRAINED,
}


class DutyRefused(Exception):
    """Why this worker's duty stays as it is."""


def set_duty(worker: Worker, duty: Duty, *, user: User) -> None:
    """Ask `worker` to take runs, to take no more, or to give back what it has. It hears of it within seconds.

    A paused worker ends what it has; a drained one gives its runs back uncounted, as at a deploy. It lasts until the
    worker is resumed, or started anew.
    """
    if worker.device == UPKEEP:
        raise DutyRefused(_("The upkeep worker looks after the queue and takes no runs: it goes on."))
    with writing():
        if not Worker.objects.alive().filter(pk=worker.pk).exclude(duty=duty).update(duty=duty):
            words = _("%(worker)s has left, or somebody has asked the same of it already.")
            raise DutyRefused(words % {"worker": worker})
        DeskEvent.record(_KINDS[duty], user=user, subject=worker.name)
        wake(QUEUES[Device.AUTO])  # it may take again; or what only a paused GPU held back is free for others


def withdraw(worker: Worker, *, reason: str) -> None:
    """Take `worker` out of service by itself: it found out that it can do no run, and says why."""
    with writing():
        if not _row(worker).filter(duty=Duty.ON).update(duty=Duty.PAUSED):
            return  # its other slot was faster, or an instructor
        DeskEvent.record(DeskEvent.Kind.WORKER_PAUSED, actor=worker.name, subject=worker.name, detail=reason)
        wake(QUEUES[Device.AUTO])


def why_off_duty(worker: Worker) -> str:
    """What was said when `worker` was taken out of service; nothing where an instructor gave no reason."""
    told = DeskEvent.objects.filter(subject=worker.name, at__gte=worker.started_at, kind__in=_KINDS.values())
    return told.values_list("detail", flat=True).first() or ""


def on_duty(worker: Worker) -> bool:
    """Whether `worker` may claim now; one that has left, or was marked so, may not."""
    return _row(worker).filter(duty=Duty.ON, stopped_at=None).exists()


def drained(worker: Worker) -> WorkerQuerySet:
    """The row of `worker` if it is asked to give back its runs, else nothing."""
    return _row(worker).filter(duty=Duty.DRAINED)


def _row(worker: Worker) -> WorkerQuerySet:
    """By its start too: in a database that was put back from a backup the id may be another worker's."""
    return Worker.objects.filter(pk=worker.pk, started_at=worker.started_at)
