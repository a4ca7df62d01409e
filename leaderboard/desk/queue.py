"""The desk's queue: waiting submissions with reason and prediction, and workers to pause, drain and resume."""

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
from django.views.decorators.http import require_http_methods, require_safe

from leaderboard.desk.access import for_instructors
from leaderboard.live_pages import live_page
from submissions import wording
from submissions.models import Attempt, Device, Duty, State, Submission, Worker
from submissions.queue.prediction import Prediction, QueueSnapshot
from submissions.queue.worker_duty import UPKEEP, DutyRefused, set_duty, why_off_duty
from submissions.requests import UserRequest

MOST_ROWS = 200  # the submissions that start next


@dataclass(frozen=True, slots=True)
class WaitingSubmission:
    """A queued submission. `why` is a case of `_why_waiting.html`; `running` counts its group's runs."""

    submission: Submission
    why: str
    running: int
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class DeskWorker:
    """A live worker and its runs."""

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

    rows: list[WaitingSubmission]
    waiting: int
    workers: list[DeskWorker]

    @property
    def running(self) -> int:
        return sum(len(worker.runs) for worker in self.workers)

    @property
    def version(self) -> str:
        """Changes whenever the page would. Predictions count as shown, in round numbers."""
        waits = [[row.submission.pk, row.why, wording.about(row.prediction.wait_s)] for row in self.rows]
        runs = [[run.pk, run.progress, run.submission.cancel_asked] for worker in self.workers for run in worker.runs]
        workers = [[worker.worker.pk, worker.worker.duty] for worker in self.workers]
        return hashlib.blake2b(json.dumps([waits, self.waiting, runs, workers]).encode(), digest_size=6).hexdigest()


@for_instructors
@require_safe
def queue_page(request: UserRequest) -> HttpResponse:
    """The queue and the workers. The page polls itself."""
    queue = read_queue()
    return live_page(
        request,
        version=queue.version,
        page="leaderboard/desk/queue.html",
        fragment="leaderboard/desk/_queue.html",
        context=lambda: {"queue": queue, "zone": settings.TIME_ZONE},
    )


def read_queue() -> QueuePage:
    queue = QueueSnapshot()
    devices_of = queue.eligible_devices()
    starts = queue.starts(devices_of)
    order = queue.order(devices_of, starts)[:MOST_ROWS]
    submissions = Submission.objects.select_related("quest", "group").defer("spec", "notation").in_bulk(order)
    running = dict(
        Submission.objects.filter(state=State.RUNNING).values_list("group").annotate(n=Count("pk")).order_by()
    )
    jobs = {one.pk: one.job for one in queue.queued}
    rows = []
    for submission in (submissions[pk] for pk in order if pk in submissions):
        pk, group_runs = submission.pk, running.get(submission.group_id, 0)
        wait = starts[pk].after if pk in starts else None
        why = _why(submission, group_runs, queue)
        forecast = queue.forecaster.run(jobs[pk], devices_of[pk][0])
        rows.append(WaitingSubmission(submission, why, group_runs, Prediction(wait, forecast)))
    return QueuePage(rows, Submission.objects.filter(state=State.QUEUED).count(), _workers())


def _why(submission: Submission, running: int, queue: QueueSnapshot) -> str:
    """Why the submission waits: no worker, its group's limit, the need for a free machine, busy slots, or nothing."""
    devices = {Device.CPU.value, Device.GPU.value} if submission.device == Device.AUTO else {submission.device}
    if not devices & queue.devices:
        return "no_worker"
    if running >= submission.quest.group_limit:
        return "limit"
    if submission.quest.exclusive:
        return "exclusive"
    return "next" if any(queue.free.get(device) for device in devices) else "busy"


def _workers() -> list[DeskWorker]:
    workers = Worker.objects.alive().select_related("hardware").order_by("device", "name", "pk")
    running = Attempt.objects.filter(ended_at=None, worker__in=workers).order_by("pk")
    runs: dict[int, list[Attempt]] = {}
    for attempt in running.select_related("submission__group", "submission__quest").defer("epochs", "output"):
        runs.setdefault(attempt.worker_id, []).append(attempt)
    return [
        DeskWorker(
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
    """GET asks before a worker is drained; POST pauses, drains or resumes it."""
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
        messages.success(request, _confirmation(duty) % {"worker": worker})
    return redirect("desk:queue")


def _confirmation(duty: Duty) -> str:
    if duty == Duty.ON:
        return _("%(worker)s takes runs again within seconds.")
    if duty == Duty.PAUSED:
        return _("%(worker)s finishes its current runs and takes no more.")
    return _("%(worker)s returns its runs to the queue and takes no more.")
