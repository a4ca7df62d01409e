"""Ten mixed submissions by five groups through the whole service, and the same ten one after another in a script."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from statistics import median

from submissions.families.network import LENET_5, LENET_5_LIKE, dense
from submissions.specs.forest import Forest
from submissions.specs.knn import KNN
from submissions.specs.spec import Spec, dump
from tests.bench.cnn import SIMPLE_CONVNET
from tests.bench.contest import Bench, Measurement, answers_of, differing_answers, notebook
from tests.bench.memory import MemoryWatch
from tests.bench.rows import Row, Target
from tests.bench.service import GROUPS, idle_service, wait_until_idle
from tests.stack import Stack

TARGET = Target(ratio=3)
ERRORS = "SELECT errors FROM submissions_score WHERE submission_id = ?"
LONGEST_S, POLL_SECONDS = 1800, 0.2
ENDS = {"scored", "failed", "timed_out", "cancelled"}

# Each with the sample that the script measures (see `tests.bench.notebook`); None is the whole.
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
        yield from measure_mixed(THE_TEN, bench)


def measure_mixed(entries: Sequence[tuple[Spec, int | None]], bench: Bench) -> Iterator[Row]:
    with idle_service(bench.dataset) as stack, MemoryWatch(stack.process.pid) as memory:
        ours, theirs = [], []
        for _ in range(bench.runs):
            ours.append(submit_all(stack, [spec for spec, _ in entries], bench.dataset))
            theirs.append([notebook(spec, bench.dataset, sample=sample) for spec, sample in entries])
            wait_until_idle(stack)
    totals = [one_after_another(runs) for runs in theirs]
    yield Row(
        name=f"{len(entries)} mixed submissions, whole service",
        runs=bench.runs,
        ours_s=median(seconds for seconds, _ in ours),
        peer="the same by a plain script",
        peer_s=median(total.seconds for total in totals),
        limit_s=sum(bench.limit(spec) for spec, _ in entries),
        scaled=totals[0].scaled,
        target=TARGET,
        remark=differing_answers(*_comparable(entries, [answers for _, answers in ours], theirs)),
    )
    yield from memory.rows("mixed")


def _comparable(
    entries: Sequence[tuple[Spec, int | None]],
    ours: Sequence[Sequence[Measurement]],
    theirs: Sequence[Sequence[Measurement]],
) -> tuple[list[Measurement], list[Measurement]]:
    """The runs of neighbours on both sides: forests and networks have no seed here, so their answers vary."""
    places = [place for place, (spec, _) in enumerate(entries) if isinstance(spec, KNN)]
    return [run[place] for run in ours for place in places], [run[place] for run in theirs for place in places]


def one_after_another(runs: Sequence[Measurement]) -> Measurement:
    """The sum of the runs, without importing libraries and loading data."""
    parts = sum(bool(one.scaled) for one in runs)
    return Measurement(seconds=sum(one.seconds for one in runs), scaled=f"parts of {parts} of them" if parts else "")


def submit_all(stack: Stack, entries: Sequence[Spec], dataset: str) -> tuple[float, list[Measurement]]:
    """Submit all, by five groups in turn: seconds from the first POST to the last score, and the answers of each."""
    began = time.monotonic()
    made = [stack.submit(dump(spec), user=GROUPS[place % len(GROUPS)])["id"] for place, spec in enumerate(entries)]
    waiting = set(made)
    while waiting:
        if time.monotonic() - began > LONGEST_S:
            raise TimeoutError(f"After {LONGEST_S} s submissions {sorted(waiting)} have not ended.")
        time.sleep(POLL_SECONDS)
        waiting -= _scored(stack, waiting)
    return time.monotonic() - began, [_measurement(stack, number, dataset) for number in made]


def _measurement(stack: Stack, submission: int, dataset: str) -> Measurement:
    with closing(sqlite3.connect(f"file:{stack.home / 'quest.sqlite3'}?mode=ro", uri=True)) as database:
        [errors] = database.execute(ERRORS, [submission]).fetchone()
    return Measurement(seconds=0.0, answers=answers_of(json.loads(errors), dataset))


def _scored(stack: Stack, waiting: set[int]) -> set[int]:
    """The ids in `waiting` that are scored; RuntimeError if one ended without a score."""
    listed = stack.ask("GET", "/api/v1/submissions/", user="instructor").body["results"]
    lost = [one for one in listed if one["id"] in waiting and one["state"] in ENDS - {"scored"}]
    if lost:
        raise RuntimeError(f"{lost[0]['model']} was not scored: {lost[0]['state']}, {lost[0]['reason']}")
    return {one["id"] for one in listed if one["state"] == "scored"}
