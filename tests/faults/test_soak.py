"""Hours of mishaps in minutes: many groups hand in at once while something breaks every few seconds.

QUEST_SOAK says how many submissions, 150 if it is not set; the report of a long one belongs into an issue.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median

import psutil
import pytest

from submissions.leases import MOST_ATTEMPTS
from submissions.models import Attempt, Score, State, Submission
from tests.faults.site import Piece, Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains, pytest.mark.timeout(6 * 3600)]

SUBMISSIONS, GROUPS = int(os.environ.get("QUEST_SOAK", "150")), 30
EVERY_SECONDS = 4.0
RECOVERY_SECONDS = 120


class Mishaps:
    """Breaks one part of the site at a time, and puts back what cannot come back itself.

    From the main thread: what another one started would end with it.
    """

    def __init__(self, site: Site, workers: list[Piece]) -> None:
        self.site, self.workers = site, workers
        self.broker, self.beat = site.pieces[0], site.pieces[-1]
        self.done: dict[str, int] = {}
        self.chance = random.Random(SUBMISSIONS)

    def one(self) -> None:
        happens = self.chance.choice(self.all)
        with suppress(psutil.Error, IndexError):  # what was to be broken is just starting
            happens()
            self.done[happens.__name__] = self.done.get(happens.__name__, 0) + 1

    @property
    def all(self) -> list[Callable[[], None]]:
        return [
            self.trainer_killed,
            self.trainer_killed,
            self.child_killed,
            self.worker_killed,
            self.worker_told_to_leave,
            self.worker_asleep,
            self.broker_away,
            self.broker_wiped,
            self.beat_replaced,
        ]

    def trainer_killed(self) -> None:
        self.chance.choice(self.chance.choice(self.workers).trainers()).kill()

    def child_killed(self) -> None:
        self.chance.choice(self.chance.choice(self.workers).pool()).kill()

    def worker_killed(self) -> None:
        place = self.chance.randrange(len(self.workers))
        self.workers[place].kill()
        self.workers[place] = self.site.start_worker()

    def worker_told_to_leave(self) -> None:
        place = self.chance.randrange(len(self.workers))
        self.workers[place].process.terminate()
        self.workers[place] = self.site.start_worker()

    def worker_asleep(self) -> None:
        worker = self.chance.choice(self.workers)
        worker.send(signal.SIGSTOP)
        time.sleep(8)  # longer than the lease
        worker.send(signal.SIGCONT)

    def broker_away(self) -> None:
        self.broker.kill()
        time.sleep(2)
        self.broker = self.site.start_broker()

    def broker_wiped(self) -> None:
        self.broker.kill()
        self.broker = self.site.start_broker(empty=True)

    def beat_replaced(self) -> None:
        self.beat.kill()
        self.beat = self.site.start_beat()


def handed_in(site: Site) -> list[Submission]:
    """So many submissions of so many groups, most of them quick."""
    chance = random.Random(1)
    return [
        site.submit("sleep", seconds=round(chance.expovariate(2), 2), group=1 + number % GROUPS)
        for number in range(SUBMISSIONS)
    ]


def test_whatever_breaks_every_submission_ends_and_none_is_scored_twice(site: Site, capsys):
    workers = site.start(workers=2, slots=2)
    mishaps = Mishaps(site, workers)
    began = time.monotonic()
    submissions = handed_in(site)
    live = Submission.objects.live()
    while live.count() > 5:
        time.sleep(EVERY_SECONDS)
        mishaps.one()
    until(lambda: not live.exists(), seconds=RECOVERY_SECONDS, what="the end of them all")

    waits = longest_wait_of_each_group()
    scored = Submission.objects.filter(state=State.SCORED)
    given_up = Submission.objects.exclude(state=State.SCORED)
    twice = Score.objects.count() - Score.objects.values("submission").distinct().count()
    with capsys.disabled():
        print(f"\n  {len(submissions)} submissions in {time.monotonic() - began:.0f} s; mishaps: {mishaps.done}")  # noqa: T201
        print(f"  scored {scored.count()}, given up {given_up.count()}, lost {live.count()}, twice {twice}", end="")  # noqa: T201
        print(f" in {Attempt.objects.count()} attempts; ", end="")  # noqa: T201
        print(f"longest wait of a group {max(waits):.0f} s, median {median(waits):.0f} s", end="")  # noqa: T201
    assert Submission.objects.count() == len(submissions)
    for submission in scored:
        assert site.scored_once(submission)
    for submission in given_up:  # hit three times by chance
        assert (submission.state, submission.attempts.filter(counted=True).count()) == (State.FAILED, MOST_ATTEMPTS)
    assert given_up.count() <= 1 + len(submissions) // 200


def longest_wait_of_each_group() -> list[float]:
    """Seconds from handing in to the end of the last attempt, the longest of each group."""
    longest: dict[str, float] = {}
    for submission in Submission.objects.select_related("group"):
        wait = (submission.finished_at - submission.submitted_at).total_seconds()
        longest[submission.owner_name] = max(wait, longest.get(submission.owner_name, 0))
    return list(longest.values())
