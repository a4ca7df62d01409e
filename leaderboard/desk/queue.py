"""The desk's queue: who waits, why, since when and for how long; and the workers, to pause, drain and resume."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from leaderboard.desk.access import for_instructors
from submissions import wording
from submissions.models import Attempt, Device, Duty, State, Submission, Worker
from submissions.queue.prediction import Prediction, QueueSnapshot
from submissions.queue.worker_duty import UPKEEP, DutyRefused, set_duty, why_off_duty
from submissions.requests import UserRequest

SHOWN = 200  # of those who wait, the next ones


@dataclass(frozen=True, slots=True)
class Waiter:
    """A queued submission: why it waits, a word of the template's, and what is predicted."""

    submission: Submission
    why: str
    running: int
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Station:
    """A live worker and what it runs."""

    worker: Worker
    hardware: str
    runs: list[Attempt]
    why_off_duty: str

    @property
    def takes_runs(self) -> bool:
        return self.worker.device != UPKEEP


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The queue as the page shows it."""

    waiters: list[Waiter]
    waiting: int
    stations: list[Station]

    @property
    def running(self) -> int:
        return sum(len(station.runs) for station in self.stations)

    @property
    def version(self) -> str:
        """Differs whenever the page would; predictions count as they are written, in round numbers."""
        waits = [[one.submission.pk, one.why, wording.about(one.prediction.wait_s)] for one in self.waiters]
        runs = [[run.pk, run.progress, run.submission.cancel_asked] for here in self.stations for run in here.runs]
        workers = [[here.worker.pk, here.worker.duty] for here in self.stations]
        return hashlib.blake2b(json.dumps([waits, self.waiting, runs, workers]).encode(), digest_size=6).hexdigest()


@for_instructors
@require_safe
@never_cache
def queue_page(request: UserRequest) -> HttpResponse:
    """The page whole; or, polled with `?seen=`, its live part, and 204 while nothing has changed."""
    hall = read_queue()
    seen = request.GET.get("seen")
    if seen == hall.version:
        return HttpResponse(status=204)
    template = "leaderboard/desk/queue.html" if seen is None else "leaderboard/desk/_queue.html"
    return render(request, template, {"hall": hall, "zone": settings.TIME_ZONE})


def read_queue() -> QueuePage:
    queue = QueueSnapshot()
    takers = queue.takers()
    starts = queue.starts(takers)
    first = sorted(takers, key=lambda pk: (starts[pk].after if pk in starts else float("inf"), pk))[:SHOWN]
    rows = Submission.objects.select_related("quest", "group").defer("spec", "notation").in_bulk(first)
    running = dict(
        Submission.objects.filter(state=State.RUNNING).values_list("group").annotate(n=Count("pk")).order_by()
    )
    forecasts = {one.pk: queue.forecaster.run(one.job, takers[one.pk][0]) for one in queue.queued if one.pk in rows}
    waiters = []
    for pk in first:
        if pk in rows:
            going = running.get(rows[pk].group_id, 0)
            wait = starts[pk].after if pk in starts else None
            why = _why(rows[pk], going, queue)
            waiters.append(Waiter(rows[pk], why, going, Prediction(wait, forecasts[pk])))
    return QueuePage(waiters, Submission.objects.filter(state=State.QUEUED).count(), _stations())


def _why(submission: Submission, running: int, queue: QueueSnapshot) -> str:
    """What keeps it: no worker, its group's limit, a machine of its own that it wants, or others before it."""
    devices = {Device.CPU.value, Device.GPU.value} if submission.device == Device.AUTO else {submission.device}
    if not devices & queue.devices:
        return "no_worker"
    if running >= submission.quest.group_limit:
        return "limit"
    if submission.quest.exclusive:
        return "exclusive"
    return "next" if any(queue.free.get(device) for device in devices) else "busy"


def _stations() -> list[Station]:
    workers = Worker.objects.alive().select_related("hardware").order_by("device", "name", "pk")
    going = Attempt.objects.filter(ended_at=None, worker__in=workers).order_by("pk")
    runs: dict[int, list[Attempt]] = {}
    for attempt in going.select_related("submission__group", "submission__quest").defer("epochs", "output"):
        runs.setdefault(attempt.worker_id, []).append(attempt)
    return [
        Station(
            worker=worker,
            hardware=worker.hardware.label(worker.device),
            runs=runs.get(worker.pk, []),
            why_off_duty="" if worker.duty == Duty.ON else why_off_duty(worker),
        )
        for worker in workers
    ]


@for_instructors
@require_http_methods(["GET", "HEAD", "POST"])
def worker_duty(request: UserRequest, pk: int) -> HttpResponse:
    """Asks before a worker is drained; a POST pauses, drains or resumes it."""
    worker = get_object_or_404(Worker.objects.alive().select_related("hardware"), pk=pk)
    if request.method != "POST":
        runs = worker.attempts.filter(ended_at=None).select_related("submission__group")
        return render(request, "leaderboard/desk/drain.html", {"worker": worker, "runs": runs})
    if request.POST.get("duty") not in Duty.values:
        raise Http404
    duty = Duty(request.POST["duty"])
    try:
        set_duty(worker, duty, user=request.user)
    except DutyRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _worded(duty) % {"worker": worker})
    return redirect("desk:queue")


def _worded(duty: Duty) -> str:
    if duty == Duty.ON:
        return _("%(worker)s takes runs again, within some seconds.")
    if duty == Duty.PAUSED:
        return _("%(worker)s ends what it has and takes no more.")
    return _("%(worker)s gives back what it has and takes no more.")
