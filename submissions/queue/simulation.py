"""The fair order of the queue, simulated: the order of the next claims, and when each submission should start.

The claims themselves follow the same order in SQL (`claims.claimable`); a property test compares the two.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MAX_STARTS = 1000  # simulated at most; the submissions behind these wait longer than the last of them

Lane = tuple[int, int, tuple[str, ...]]  # group, limit, devices


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingJob:
    """A queued submission of `group` (0: the instructors), which may have `limit` runs at a time.

    `run_s` maps each device that may run it to the seconds the run would take there; None if unknown.
    """

    pk: int
    group: int
    limit: int
    submitted_at: float
    run_s: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """A run that ends in `remaining_s` seconds (None: unknown). `holds_slot` is False once its worker is gone."""

    group: int
    device: str
    remaining_s: float | None
    holds_slot: bool = True


@dataclass(frozen=True, slots=True)
class Start:
    """The device on which a submission would start, and the seconds until then."""

    after: float
    device: str


@dataclass
class QueueState:
    """Waiting jobs, running jobs and free slots at one moment of the simulation."""

    free: dict[str, int]
    used: dict[tuple[int, str], float]
    running: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    lanes: dict[Lane, deque[WaitingJob]] = field(default_factory=dict)
    ends: list[tuple[float, str, int, bool]] = field(default_factory=list)

    def enqueue(self, jobs: Sequence[WaitingJob]) -> None:
        """Add the jobs in a lane for each group, limit and choice of devices: only a lane's oldest can be next."""
        for job in sorted(jobs, key=lambda job: (job.submitted_at, job.pk)):
            self.lanes.setdefault((job.group, job.limit, tuple(job.run_s)), deque()).append(job)

    def begin(self, group: int, device: str, *, end: float | None, holds_slot: bool = True) -> None:
        """Start a run of `group`. A run without an `end` runs on for the whole simulation."""
        self.running[group] += 1
        if end is not None:
            heapq.heappush(self.ends, (end, device, group, holds_slot))

    def end_next(self) -> float:
        """End the run that is due first; returns the time at which it ends."""
        now, device, group, holds_slot = heapq.heappop(self.ends)
        self.running[group] -= 1
        if holds_slot:
            self.free[device] += 1
        return now

    def take(self, device: str, *, within_limits: bool = True) -> WaitingJob | None:
        """Remove and return the job that a claim on `device` would take next."""
        lanes = [
            lane
            for (group, limit, devices), lane in self.lanes.items()
            if device in devices and (self.running[group] < limit or not within_limits)
        ]
        if not lanes:
            return None
        lane = min(lanes, key=lambda lane: self._rank(lane[0], device))
        job = lane.popleft()
        if not lane:
            del self.lanes[(job.group, job.limit, tuple(job.run_s))]
        return job

    def _rank(self, job: WaitingJob, device: str) -> tuple[int, float, float, int]:
        return self.running[job.group], self.used.get((job.group, device), 0.0), job.submitted_at, job.pk


def claim_order(
    waiting: Sequence[WaitingJob],
    *,
    device: str,
    running: Mapping[int, int],
    used: Mapping[tuple[int, str], float],
) -> list[int]:
    """Ids of `waiting` in the order in which slots on `device` would claim them if no run ended in between.

    Submissions that their group's limit holds back come last, in the same fair order. `running` is the number of runs
    of each group, `used` the device-seconds that each group used lately.
    """
    state = QueueState(free={}, used=dict(used), running=defaultdict(int, running))
    state.enqueue(waiting)
    order = []
    while job := state.take(device) or state.take(device, within_limits=False):
        state.begin(job.group, device, end=None)
        order.append(job.pk)
    return order


def simulate(
    waiting: Sequence[WaitingJob],
    running: Sequence[RunningJob],
    *,
    free: Mapping[str, int],
    used: Mapping[tuple[int, str], float],
) -> dict[int, Start]:
    """The start of each of `waiting`, in the order of the starts; those that cannot be predicted are left out.

    `free` is the number of free slots of each device, `used` the device-seconds that each group used lately.
    """
    state = QueueState(free=defaultdict(int, free), used=dict(used))
    state.enqueue(waiting)
    for run in running:
        state.begin(run.group, run.device, end=run.remaining_s, holds_slot=run.holds_slot)
    starts: dict[int, Start] = {}
    now = 0.0
    while True:
        _fill_slots(state, now, starts)
        if not state.ends or not state.lanes or len(starts) >= MAX_STARTS:
            return starts
        now = state.end_next()


def _fill_slots(state: QueueState, now: float, starts: dict[int, Start]) -> None:
    for device in sorted(state.free, reverse=True):  # GPUs first: they may take jobs that CPUs may take too
        while state.free[device] > 0 and (job := state.take(device)):
            seconds = job.run_s[device]
            starts[job.pk] = Start(now, device)
            state.free[device] -= 1
            state.used[job.group, device] = state.used.get((job.group, device), 0.0) + (seconds or 0.0)
            state.begin(job.group, device, end=None if seconds is None else now + seconds)
