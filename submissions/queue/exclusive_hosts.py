"""Exclusive runs: which machine a run has to itself, and which machine is kept free for the next exclusive run.

An exclusive run starts only on an idle machine, and no other run starts there before it has ended. When an exclusive
run is next in the queue, one machine waits for it: among the machines that serve its device, the one with the fewest
runs takes no more until these have ended. The other machines continue with the queue. The exclusive run therefore waits
no longer than the runs on that machine, which have time limits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Sum

from submissions.models import Attempt, Quest, State, Submission, Worker


@dataclass(frozen=True, slots=True)
class Host:
    """The runs on a machine at one moment, on all of its devices."""

    name: str
    runs: int
    exclusive: bool


def current_host(name: str) -> Host:
    running = list(Attempt.objects.filter(ended_at=None, worker__host=name).values_list("exclusive", flat=True))
    return Host(name, len(running), any(running))


def is_kept_free(host: Host, device: str) -> bool:
    """Whether this machine takes no more runs, so that an exclusive run on `device` can start."""
    serving = set(Worker.objects.serving().filter(device=device).values_list("host", flat=True))
    running = Attempt.objects.filter(ended_at=None, worker__host__in=serving).values_list("worker__host", flat=True)
    return host.name == _host_with_fewest_runs(serving, list(running))


def _host_with_fewest_runs(hosts: Collection[str], hosts_of_runs: list[str]) -> str | None:
    return min(hosts, key=lambda name: (hosts_of_runs.count(name), name), default=None)


def slots_to_wake(submission: Submission) -> int:
    """The number of slots to wake after `submission` has left its slot.

    One, or all slots where exclusive runs are involved, since the slots of a machine wait and resume together.
    """
    exclusive = list(Quest.objects.filter(exclusive=True).values_list("pk", flat=True))
    if not exclusive:
        return 1
    queued = Submission.objects.filter(state=State.QUEUED, quest__in=exclusive)
    if submission.quest_id not in exclusive and not queued.exists():
        return 1
    return max(1, Worker.objects.serving().aggregate(slots=Sum("slots"))["slots"] or 0)
