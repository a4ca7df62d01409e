"""Who is next: the fair order of claims, and the place of a submission in it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import Count, ExpressionWrapper, F, Max, Window
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import RowNumber

from submissions.database import clock
from submissions.database.write_lock import claiming
from submissions.models import Attempt, Device, Event, State, Submission, Worker
from submissions.queue import prediction
from submissions.queue.exclusive_hosts import Host, host_now, is_kept_free
from submissions.queue.lifecycle import MoveRefused, move
from submissions.queue.worker_duty import on_duty

# Fewest running of that group, then least device-seconds used lately, then oldest. The counts are joined once:
# correlated, they took twenty times as long over 100,000 rows.
_FAIREST = """
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
    WHERE s.state = 'queued' AND (s.device = %(device)s OR (s.device = 'auto' AND {autos}))
      AND COALESCE(r.running, 0) < q.group_limit AND {shares}
    ORDER BY COALESCE(r.running, 0), COALESCE(u.used, 0), s.submitted_at, s.id
"""


def lease_end() -> CombinedExpression | ExpressionWrapper:
    """When a lease taken or renewed now runs out, by the database's clock: a worker's own may be wrong."""
    return clock.ahead(settings.LEASE_SECONDS)


def takes_auto(device: str) -> bool:
    """A GPU worker may always take `auto`; a CPU worker any of them only while no GPU worker serves."""
    return device == Device.GPU or not Worker.objects.serving().filter(device=Device.GPU).exists()


def claimable(device: str, *, limit: int | None = None, shared: bool = False) -> list[int]:
    """Ids of queued submissions that a worker on `device` could claim now, the fairest first.

    `shared` leaves out those that want a machine to themselves.
    """
    fairest = _fairest(device, "1 = 1", limit, shared)
    if all(wanted != Device.AUTO for _pk, wanted in fairest) or takes_auto(device):
        return [pk for pk, _wanted in fairest]
    # Only here the queue is played forward: somebody would like a GPU, and one is alive, but a CPU asks.
    spilled = ", ".join(map(str, sorted(prediction.cpu_eligible()))) or "NULL"
    return [pk for pk, _wanted in _fairest(device, f"s.id IN ({spilled})", limit, shared)]


def _fairest(device: str, autos: str, limit: int | None, shared: bool) -> list[tuple[int, str]]:
    """Ids and wanted devices, the fairest first; `autos` is the condition on those for `auto`."""
    query = _FAIREST.format(autos=autos, shares="NOT q.exclusive" if shared else "1 = 1")
    query += f" LIMIT {limit:d}" if limit else ""
    with connection.cursor() as cursor:
        cursor.execute(query, {"since": clock.now() - prediction.LATELY, "device": device})
        return cursor.fetchall()


def claim(*, device: str, worker: Worker, lease: uuid.UUID | None = None) -> Attempt | None:
    """Take the fairest queued submission for `device`: it is running, under a new lease, when this returns.

    A caller that names the lease finds the attempt by it, should it be interrupted in between.
    """
    while True:
        try:
            return _claim_fairest(device, worker, lease or uuid.uuid4())
        except MoveRefused:
            continue  # it was cancelled since we looked: the next one is the fairest now


def _claim_fairest(device: str, worker: Worker, lease: uuid.UUID) -> Attempt | None:
    with claiming():
        host = host_now(worker.host)
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
    """What a slot on `host` takes now and what comes next; nothing while the machine is, or shall be, another's."""
    if host.exclusive:
        return []
    ids = claimable(device, limit=2)
    if not host.runs or not Submission.objects.filter(pk__in=ids[:1], quest__exclusive=True).exists():
        return ids
    return [] if is_kept_free(host, device) else claimable(device, limit=2, shared=True)


def _open_attempt(
    submission: Submission, *, device: str, worker: Worker, lease: uuid.UUID, host: Host, alone: bool
) -> Attempt:
    """Begin an attempt; `alone` on its machine it is granted all cores, else a slot's share of them."""
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
    """Place in the queue, 1 for the next; None unless queued."""
    if submission.state != State.QUEUED:
        return None
    order = queue_order(submission.device)
    return order.index(submission.pk) + 1 if submission.pk in order else None


def queue_order(device: str) -> list[int]:
    """Ids of the submissions that a submission for `device` waits among, the next one first.

    A group's n-th waiting submission stands behind every other group's earlier ones, as the claims will take them; of
    those that are their groups' n-th, whose group used less of the device lately stands first.
    """
    rivals, used = _rivals(device), prediction.used_lately(clock.now())
    taker = Device.CPU if Device.CPU in rivals else Device.GPU
    running = dict(
        Submission.objects.filter(state=State.RUNNING).values_list("group").annotate(n=Count("id")).order_by()
    )
    waiting = (
        Submission.objects.filter(state=State.QUEUED, device__in=rivals)
        .annotate(turn=Window(RowNumber(), partition_by=F("group"), order_by=[F("submitted_at"), F("id")]))
        .values_list("id", "group", "turn", "submitted_at")
    )

    def place(row: tuple[int, int | None, int, datetime]) -> tuple[int, float, datetime, int]:
        pk, team, turn, since = row
        return running.get(team, 0) + turn, used.get((team or 0, taker), 0.0), since, pk

    return [row[0] for row in sorted(waiting, key=place)]


def _rivals(device: str) -> list[str]:
    """What waits for the same workers: `auto` stands in the GPUs' queue, and in the CPUs' while no GPU is there."""
    if device != Device.GPU and takes_auto(Device.CPU):
        return [Device.CPU, Device.AUTO]
    return [Device.CPU] if device == Device.CPU else [Device.GPU, Device.AUTO]
