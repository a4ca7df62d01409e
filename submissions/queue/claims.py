"""Claiming the next submission in the fair order, and a submission's place in that order."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import connection
from django.db.models import Count, ExpressionWrapper, Max
from django.db.models.expressions import CombinedExpression

from submissions.database import clock
from submissions.database.write_lock import claiming
from submissions.models import Attempt, Device, Event, State, Submission, Worker
from submissions.queue import prediction, simulation
from submissions.queue.exclusive_hosts import Host, current_host, is_kept_free
from submissions.queue.lifecycle import MoveRefused, move
from submissions.queue.worker_duty import on_duty

# The fair order: the group with the fewest runs, then the one that used the fewest device-seconds lately, then the
# oldest submission. `simulation.QueueState` ranks alike. The counts are joined once: correlated subqueries took twenty
# times as long over 100,000 rows.
_FAIR_ORDER = """
    SELECT s.id, s.device
    FROM submissions_submission s
    JOIN submissions_quest q ON q.id = s.quest_id
    LEFT JOIN (
        SELECT COALESCE(group_id, 0) AS team, COUNT(*) AS running
        FROM submissions_submission WHERE state = 'running' GROUP BY COALESCE(group_id, 0)
    ) r ON r.team = COALESCE(s.group_id, 0)
    LEFT JOIN (
        SELECT COALESCE(p.group_id, 0) AS team, SUM(a.total_s) AS used
        FROM submissions_attempt a JOIN submissions_submission p ON p.id = a.submission_id
        WHERE a.ended_at > %(since)s AND a.device = %(device)s GROUP BY COALESCE(p.group_id, 0)
    ) u ON u.team = COALESCE(s.group_id, 0)
    WHERE s.state = 'queued' AND (s.device = %(device)s OR (s.device = 'auto' AND {auto_allowed}))
      AND COALESCE(r.running, 0) < q.group_limit AND {host_allowed}
    ORDER BY COALESCE(r.running, 0), COALESCE(u.used, 0), s.submitted_at, s.id
"""


def lease_end() -> CombinedExpression | ExpressionWrapper:
    """The end of a lease that is taken or renewed now, by the database's clock: a worker's clock may be wrong."""
    return clock.ahead(settings.LEASE_SECONDS)


def takes_auto(device: str) -> bool:
    """Whether a worker on `device` may take any submission for `auto`.

    GPU workers always may; CPU workers only while no GPU worker serves.
    """
    return device == Device.GPU or not Worker.objects.serving().filter(device=Device.GPU).exists()


def claimable(device: str, *, limit: int | None = None, shared: bool = False) -> list[int]:
    """Ids of queued submissions that a worker on `device` could claim now, in the fair order.

    `shared` leaves out exclusive runs, which need a machine to themselves.
    """
    rows = _in_fair_order(device, "1 = 1", limit, shared)
    if all(asked_for != Device.AUTO for _pk, asked_for in rows) or takes_auto(device):
        return [pk for pk, _asked_for in rows]
    # Only here is the queue simulated: submissions for `auto` wait, a GPU worker serves, and a CPU worker asks.
    eligible = ", ".join(map(str, sorted(prediction.cpu_eligible()))) or "NULL"
    return [pk for pk, _asked_for in _in_fair_order(device, f"s.id IN ({eligible})", limit, shared)]


def _in_fair_order(device: str, auto_allowed: str, limit: int | None, shared: bool) -> list[tuple[int, str]]:
    """(id, device asked for) in the fair order; `auto_allowed` is the SQL condition on submissions for `auto`."""
    query = _FAIR_ORDER.format(auto_allowed=auto_allowed, host_allowed="NOT q.exclusive" if shared else "1 = 1")
    query += f" LIMIT {limit:d}" if limit else ""
    with connection.cursor() as cursor:
        cursor.execute(query, {"since": clock.now() - prediction.LATELY, "device": device})
        return cursor.fetchall()


def claim(*, device: str, worker: Worker, lease: uuid.UUID | None = None) -> Attempt | None:
    """Claim the next queued submission for `device`: when this returns, it is running under a new lease.

    A caller that passes the `lease` can find the attempt by it if it is interrupted meanwhile.
    """
    while True:
        try:
            return _claim_next(device, worker, lease or uuid.uuid4())
        except MoveRefused:
            continue  # it was cancelled after we read it: claim the one that is next now


def _claim_next(device: str, worker: Worker, lease: uuid.UUID) -> Attempt | None:
    with claiming():
        host = current_host(worker.host)
        ids = _next_on(host, device) if on_duty(worker) else []
        if not ids:
            return None
        submission = Submission.objects.select_related("quest", "group").get(pk=ids[0])
        alone = not host.runs and (submission.quest.exclusive or len(ids) == 1)
        attempt = _open_attempt(submission, device=device, worker=worker, lease=lease, host=host, alone=alone)
        move(
            submission,
            State.RUNNING,
            kind=Event.Kind.CLAIMED,
            actor=worker.name,
            attempt=attempt,
            lease=lease,
            lease_until=lease_end(),
        )
    submission.state, submission.lease = State.RUNNING, lease
    return attempt


def _next_on(host: Host, device: str) -> list[int]:
    """Ids of the submission that a slot on `host` takes now and of the one after it.

    Empty while an exclusive run has the machine, or while the machine is kept free for one.
    """
    if host.exclusive:
        return []
    ids = claimable(device, limit=2)
    if not host.runs or not Submission.objects.filter(pk__in=ids[:1], quest__exclusive=True).exists():
        return ids
    return [] if is_kept_free(host, device) else claimable(device, limit=2, shared=True)


def _open_attempt(
    submission: Submission, *, device: str, worker: Worker, lease: uuid.UUID, host: Host, alone: bool
) -> Attempt:
    """Start an attempt: `alone` on its machine it gets all cores, otherwise a slot's share of them."""
    now, cores = clock.now(), worker.hardware.cores
    last = submission.attempts.aggregate(last=Max("number"))["last"] or 0
    return Attempt.objects.create(
        submission=submission,
        number=last + 1,
        lease=lease,
        worker=worker,
        hardware=worker.hardware,
        device=device,
        engine=submission.engine,
        started_at=now,
        queue_wait_s=max(0.0, (now - submission.submitted_at).total_seconds()),
        other_runs=host.runs,
        threads_asked=cores if alone else max(1, cores // worker.slots),
        exclusive=submission.quest.exclusive,
    )


def position(submission: Submission) -> int | None:
    """The submission's place in the queue, 1 being next; None unless it is queued."""
    if submission.state != State.QUEUED:
        return None
    order = queue_order(submission.device)
    return order.index(submission.pk) + 1 if submission.pk in order else None


def queue_order(device: str) -> list[int]:
    """Ids of all submissions in the same queue as those for `device`, in the order in which they will be claimed."""
    devices = _devices_in_queue(device)
    claimed_on = Device.CPU.value if Device.CPU in devices else Device.GPU.value
    rows = Submission.objects.filter(state=State.QUEUED, device__in=devices).order_by()
    waiting = [
        simulation.WaitingJob(
            pk=pk, group=group or 0, limit=limit, submitted_at=submitted_at.timestamp(), run_s={claimed_on: None}
        )
        for pk, group, limit, submitted_at in rows.values_list("id", "group", "quest__group_limit", "submitted_at")
    ]
    counts = Submission.objects.filter(state=State.RUNNING).values_list("group").annotate(runs=Count("id")).order_by()
    running = {group or 0: runs for group, runs in counts}
    used = prediction.used_lately(clock.now())
    return simulation.claim_order(waiting, device=claimed_on, running=running, used=used)


def _devices_in_queue(device: str) -> list[str]:
    """The devices whose submissions share a queue: `auto` joins the GPUs', or the CPUs' while no GPU worker serves."""
    if device != Device.GPU and takes_auto(Device.CPU):
        return [Device.CPU, Device.AUTO]
    return [Device.CPU] if device == Device.CPU else [Device.GPU, Device.AUTO]
