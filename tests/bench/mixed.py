"""Ten mixed submissions by five groups through the whole service, and the same ten one after another by a script."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from statistics import median

from submissions import specs
from submissions.families.cnn import LENET_5, LENET_5_LIKE, dense
from submissions.families.forest import Forest
from submissions.families.knn import KNN
from submissions.specs import Spec
from tests.bench.cnn import SIMPLE_CONVNET
from tests.bench.contest import Bench, Taken, notebook
from tests.bench.memory import MemoryWatch
from tests.bench.rows import Row, Target
from tests.bench.service import GROUPS, served, settle
from tests.stack import Stack

LONGEST_S, LOOK_SECONDS = 1800, 0.2
ENDS = {"scored", "failed", "timed_out", "cancelled"}

# Each with the part of it that the script measures, as `tests.bench.notebook` has it; None: the whole.
THE_TEN: tuple[tuple[Spec, int | None], ...] = (
    (KNN(n_neighbors=4, weights="distance"), None),
    (KNN(n_neighbors=3, algorithm="ball_tree"), 40),
    (KNN(p=4), 20),
    (KNN(metric="manhattan"), 1000),
    (Forest(n_estimators=100), 50),
    (Forest(n_estimators=300), 50),
    (LENET_5_LIKE, 2),
    (LENET_5, 2),
    (SIMPLE_CONVNET, None),
    (dense(512), 2),
)


def rows(bench: Bench) -> Iterator[Row]:
    if not bench.quick:
        yield from contend(THE_TEN, bench)


def contend(entries: Sequence[tuple[Spec, int | None]], bench: Bench) -> Iterator[Row]:
    with served(bench.dataset) as stack, MemoryWatch(stack.process.pid) as memory:
        ours, theirs = [], []
        for _ in range(bench.runs):
            ours.append(through(stack, [spec for spec, _ in entries]))
            theirs.append(one_after_another(entries, bench.dataset))
            settle(stack)
    yield Row(
        name=f"{len(entries)} mixed submissions, whole service",
        runs=bench.runs,
        ours_s=median(ours),
        peer="the same by a plain script",
        peer_s=median(taken.seconds for taken in theirs),
        limit_s=sum(bench.limit(spec) for spec, _ in entries),
        scaled=theirs[0].scaled,
        target=Target(ratio=3),
    )
    yield from memory.rows("mixed")


def one_after_another(entries: Sequence[tuple[Spec, int | None]], dataset: str) -> Taken:
    """The sum; libraries are imported and data loaded outside of it."""
    taken = [notebook(spec, dataset, sample=sample) for spec, sample in entries]
    parts = sum(bool(one.scaled) for one in taken)
    return Taken(seconds=sum(one.seconds for one in taken), scaled=f"parts of {parts} of them" if parts else "")


def through(stack: Stack, entries: Sequence[Spec]) -> float:
    """Seconds from the first POST, by five groups in turn, until the last one is scored."""
    began = time.monotonic()
    waiting = {
        stack.submit(specs.dump(spec), user=GROUPS[place % len(GROUPS)])["id"] for place, spec in enumerate(entries)
    }
    while waiting:
        if time.monotonic() - began > LONGEST_S:
            raise TimeoutError(f"After {LONGEST_S} s submissions {sorted(waiting)} have not ended.")
        time.sleep(LOOK_SECONDS)
        waiting -= _scored(stack, waiting)
    return time.monotonic() - began


def _scored(stack: Stack, waiting: set[int]) -> set[int]:
    """Those of `waiting` that have a score; an end without one is no result to compare."""
    listed = stack.ask("GET", "/api/v1/submissions/", user="instructor").body["results"]
    lost = [one for one in listed if one["id"] in waiting and one["state"] in ENDS - {"scored"}]
    if lost:
        raise RuntimeError(f"{lost[0]['model']} was not scored: {lost[0]['state']}, {lost[0]['reason']}")
    return {one["id"] for one in listed if one["state"] == "scored"}
