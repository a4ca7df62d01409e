"""What goes on a machine: how many runs share it, whether one has it to itself, and which is kept free for the next.

An exclusive run begins where no other run goes, and no other begins there before it has ended. When one is the fairest,
a single machine waits for it: of those that serve its device, the one with the fewest runs takes no more, until they
have ended. The others take what comes next. So it waits no longer than the runs that go there, which have their limits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Sum

from submissions.models import Attempt, Quest, State, Submission, Worker


@dataclass(frozen=True, slots=True)
class Host:
    """A machine at one moment, whatever its workers' devices."""

    name: str
    runs: int
    exclusive: bool


def host_now(name: str) -> Host:
    going = list(Attempt.objects.filter(ended_at=None, worker__host=name).values_list("exclusive", flat=True))
    return Host(name, len(going), any(going))


def is_kept_free(host: Host, device: str) -> bool:
    """Whether this is the machine that takes no more runs, so that an exclusive one on `device` can begin."""
    serving = set(Worker.objects.serving().filter(device=device).values_list("host", flat=True))
    going = Attempt.objects.filter(ended_at=None, worker__host__in=serving).values_list("worker__host", flat=True)
    return host.name == _with_fewest(serving, list(going))


def _with_fewest(hosts: Collection[str], going: list[str]) -> str | None:
    return min(hosts, key=lambda name: (going.count(name), name), default=None)


def slots_to_wake(submission: Submission) -> int:
    """How many slots may begin something now that `submission` has left its place: one, or where exclusive runs come
    and go all of them, since a machine's slots wait and go on together.
    """
    exclusive = list(Quest.objects.filter(exclusive=True).values_list("pk", flat=True))
    if not exclusive:
        return 1
    queued = Submission.objects.filter(state=State.QUEUED, quest__in=exclusive)
    if submission.quest_id not in exclusive and not queued.exists():
        return 1
    return max(1, Worker.objects.serving().aggregate(slots=Sum("slots"))["slots"] or 0)
