"""The fair order played forward: when each waiting submission would start, given what runs and how long runs take."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MOST = 1000  # starts that are played; what waits behind them waits longer than the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A queued submission. `runs` holds the devices that may take it, with the seconds it would take; None: unknown."""

    pk: int
    team: int
    limit: int
    since: float
    runs: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """A run. `left` is how many seconds it will still take, None: unknown; `holds_slot` False: its worker is gone."""

    team: int
    device: str
    left: float | None
    holds_slot: bool = True


@dataclass(frozen=True, slots=True)
class Start:
    """Where and in how many seconds a submission would start."""

    after: float
    device: str


@dataclass
class QueueState:
    """What waits, what runs and which slots are free, at one moment of the play."""

    free: dict[str, int]
    used: dict[tuple[int, str], float]
    running: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    lanes: dict[tuple[int, int, tuple[str, ...]], deque[Waiting]] = field(default_factory=dict)
    ends: list[tuple[float, str, int, bool]] = field(default_factory=list)

    def enqueue(self, waiting: Sequence[Waiting]) -> None:
        """A lane for each group, limit and choice of devices: of each, only the oldest can be next."""
        for one in sorted(waiting, key=lambda one: (one.since, one.pk)):
            self.lanes.setdefault((one.team, one.limit, tuple(one.runs)), deque()).append(one)

    def begin(self, team: int, device: str, *, end: float | None, holds_slot: bool = True) -> None:
        """Something runs; of unknown length it never ends here."""
        self.running[team] += 1
        if end is not None:
            heapq.heappush(self.ends, (end, device, team, holds_slot))

    def end_next(self) -> float:
        """Let the run that ends first end; when that is."""
        now, device, team, holds_slot = heapq.heappop(self.ends)
        self.running[team] -= 1
        if holds_slot:
            self.free[device] += 1
        return now

    def take(self, device: str) -> Waiting | None:
        """The next one for a slot on `device`, as a claim would choose it."""
        lanes = [lane for key, lane in self.lanes.items() if device in key[2] and self.running[key[0]] < key[1]]
        if not lanes:
            return None
        lane = min(lanes, key=lambda lane: self._place(lane[0], device))
        one = lane.popleft()
        if not lane:
            del self.lanes[(one.team, one.limit, tuple(one.runs))]
        return one

    def _place(self, one: Waiting, device: str) -> tuple[int, float, float, int]:
        return self.running[one.team], self.used.get((one.team, device), 0.0), one.since, one.pk


def simulate(
    waiting: Sequence[Waiting],
    going: Sequence[RunningJob],
    *,
    free: Mapping[str, int],
    used: Mapping[tuple[int, str], float],
) -> dict[int, Start]:
    """When each of `waiting` would start, in the order of the starts; without those that cannot be told.

    `free` are the free slots of each device, `used` the device-seconds that each group used lately.
    """
    hall = QueueState(free=defaultdict(int, free), used=dict(used))
    hall.enqueue(waiting)
    for run in going:
        hall.begin(run.team, run.device, end=run.left, holds_slot=run.holds_slot)
    starts: dict[int, Start] = {}
    now = 0.0
    while True:
        _fill(hall, now, starts)
        if not hall.ends or not hall.lanes or len(starts) >= MOST:
            return starts
        now = hall.end_next()


def _fill(hall: QueueState, now: float, starts: dict[int, Start]) -> None:
    """Give every free slot its next one."""
    for device in sorted(hall.free, reverse=True):  # a GPU first: it may take what a CPU may take too
        while hall.free[device] > 0 and (one := hall.take(device)):
            seconds = one.runs[device]
            starts[one.pk] = Start(now, device)
            hall.free[device] -= 1
            hall.used[one.team, device] = hall.used.get((one.team, device), 0.0) + (seconds or 0.0)
            hall.begin(one.team, device, end=None if seconds is None else now + seconds)
