"""How soon a submission starts to train on an idle service, and how soon the board shows its score."""

from __future__ import annotations

import math
import re
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from html import unescape
from itertools import cycle, islice
from statistics import median
from typing import Any, Self

from submissions.families.network import LENET_5_LIKE, dense
from submissions.specs.forest import Forest
from submissions.specs.knn import KNN
from submissions.specs.spec import Spec, dump
from tests.bench.contest import Bench
from tests.bench.memory import MemoryWatch
from tests.bench.rows import Row, Target
from tests.bench.service import GROUPS, idle_service
from tests.stack import Stack
from workers.datasets import store

SUBMISSIONS, QUICK_SUBMISSIONS = 20, 4  # of each family
TARGETS = {"median": Target(seconds=0.150), "95%": Target(seconds=0.500), "seen, 95%": Target(seconds=1.0)}
PAGE_ASKS_EVERY_S = 0.8  # the trigger in leaderboard/_board.html
PAUSE_S = 0.3  # between two submissions, for the service to be idle again
POLL_SECONDS = 0.005
LONGEST_S = 120
BEGUN = "SELECT 1 FROM submissions_attempt WHERE submission_id = ? AND progress <> '{}'"


def models(dataset: str) -> dict[str, Spec]:
    """A model of each family, under its name in the table."""
    pixels = math.prod(store.SHAPES[dataset])
    net = dense(32, pixels=pixels) if dataset == "digits" else LENET_5_LIKE
    return {
        "neighbours": KNN(n_neighbors=3),
        "forest": Forest(n_estimators=10),
        "network": net.model_copy(update={"epochs": 1}),
    }


class BoardReader(threading.Thread):
    """A reader with an open board: polls it as the page does, and records when each submission is first on it."""

    def __init__(self, url: str) -> None:
        super().__init__(name="reader", daemon=True)
        self._url, self._path, self._over = url, "/?show=all&seen=", threading.Event()
        self.seen: dict[int, float] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due += PAGE_ASKS_EVERY_S
            with urllib.request.urlopen(self._url + self._path, timeout=30) as answer:
                page = answer.read().decode()
            now = time.time()
            for number in re.findall(r'id="place-(\d+)"', page):
                self.seen.setdefault(int(number), now)
            if asks := re.search(r'<section id="board"\s+hx-get="([^"]+)"', page):
                self._path = unescape(asks[1])


def rows(bench: Bench) -> Iterator[Row]:
    for dataset in ("digits",) if bench.quick else ("digits", "mnist"):
        yield from _on(dataset, QUICK_SUBMISSIONS if bench.quick else SUBMISSIONS)


def _on(dataset: str, count: int) -> Iterator[Row]:
    """The rows of a data set, from `count` submissions of each family."""
    specs_by_family = models(dataset)
    with idle_service(dataset) as stack, MemoryWatch(stack.process.pid) as memory:
        fits, shows = latencies(stack, islice(cycle(specs_by_family.values()), count * len(specs_by_family)))
    for place, family in enumerate(specs_by_family):
        of_family = fits[place :: len(specs_by_family)]
        yield _row(f"{family} on {dataset}: accepted → fit begins", "median", median(of_family), count)
        yield _row(f"{family} on {dataset}: accepted → fit begins", "95%", quantile(of_family, 0.95), count)
    yield _row(f"scored → on an open board, {dataset}", "seen, median", median(shows), len(shows))
    yield _row(f"scored → on an open board, {dataset}", "seen, 95%", quantile(shows, 0.95), len(shows))
    yield from memory.rows(dataset)


def _row(name: str, what: str, seconds: float, runs: int) -> Row:
    return Row(name=f"{name}, {what.removeprefix('seen, ')}", ours_s=seconds, runs=runs, target=TARGETS.get(what))


def latencies(stack: Stack, models: Iterator[Spec]) -> tuple[list[float], list[float]]:
    """Seconds until `fit` began, and from the score until a reader saw it, of submissions made one at a time."""
    fits, shows = [], []
    database = sqlite3.connect(f"file:{stack.home / 'quest.sqlite3'}?mode=ro", uri=True)
    with BoardReader(stack.url) as reader, closing(database):
        for place, spec in enumerate(models):
            made = stack.submit(dump(spec), user=GROUPS[place % len(GROUPS)])
            fits.append(until_fit(database, made))
            scored = stack.wait(made, "scored")
            shows.append(_until_seen(reader, scored))
            time.sleep(PAUSE_S)
    return fits, shows


def until_fit(database: sqlite3.Connection, made: dict[str, Any]) -> float:
    """Seconds from acceptance until the supervisor has recorded its trainer's message that `fit` began."""
    deadline = time.monotonic() + LONGEST_S
    while not database.execute(BEGUN, [made["id"]]).fetchone():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Submission {made['id']} did not start to train.")
        time.sleep(POLL_SECONDS)
    return time.time() - _moment(made["submitted_at"])


def _until_seen(reader: BoardReader, scored: dict[str, Any]) -> float:
    deadline = time.monotonic() + LONGEST_S
    while scored["id"] not in reader.seen:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Submission {scored['id']} did not appear on the board.")
        time.sleep(0.05)
    return reader.seen[scored["id"]] - _moment(scored["finished_at"])


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this `share` of them does not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]
