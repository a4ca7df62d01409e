"""Many groups submit models for digits while something breaks every few seconds.

QUEST_SOAK is the number of submissions, by default 150. Attach the report of a long test to an issue.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median

import psutil
import pytest
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Count, Q

from submissions.models import Attempt, Event, Exit, Score, State, Submission
from submissions.queue.leases import MAX_ATTEMPTS
from submissions.queue.lifecycle import MoveRefused, cancel
from submissions.specs.spec import Spec
from submissions.specs.validation import validate
from tests.faults.site import ServiceProcess, Site, odd_model
from tests.postgres import Cluster
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains, pytest.mark.timeout(6 * 3600)]

SUBMISSIONS, GROUPS = int(os.environ.get("QUEST_SOAK", "150")), 30
MISHAP_INTERVAL_SECONDS = 4.0
RECOVERY_SECONDS = 300
MOST_WAITING = 30


class Mishaps:
    """Breaks one part of the site at a time, and restarts it if nothing else does.

    Used from the main thread: processes that another thread started would end with that thread.
    """

    def __init__(self, site: Site, workers: list[ServiceProcess], postgres: Cluster | None) -> None:
        self.site, self.workers, self.postgres = site, workers, postgres
        self.broker, self.beat = site.processes[0], site.processes[-1]
        self.done: dict[str, int] = {}
        self.random = random.Random(SUBMISSIONS)

    def cause_one(self) -> None:
        mishap = self.random.choice(self.all)
        with suppress(psutil.Error, IndexError):  # the process to break is only just starting
            mishap()
            self.done[mishap.__name__] = self.done.get(mishap.__name__, 0) + 1

    @property
    def all(self) -> list[Callable[[], None]]:
        return [
            self.trainer_killed,
            self.trainer_killed,
            self.child_killed,
            self.worker_killed,
            self.worker_terminated,
            self.worker_suspended,
            self.broker_away,
            self.broker_wiped,
            self.beat_replaced,
            self.submission_cancelled,
            *([self.database_away] if self.postgres else []),
        ]

    def trainer_killed(self) -> None:
        self.random.choice(self.random.choice(self.workers).trainers()).kill()

    def child_killed(self) -> None:
        self.random.choice(self.random.choice(self.workers).pool()).kill()

    def worker_killed(self) -> None:
        place = self.random.randrange(len(self.workers))
        self.workers[place].kill()
        self.workers[place] = self.site.start_worker()

    def worker_terminated(self) -> None:
        place = self.random.randrange(len(self.workers))
        self.workers[place].process.terminate()
        self.workers[place] = self.site.start_worker()

    def worker_suspended(self) -> None:
        worker = self.random.choice(self.workers)
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

    def submission_cancelled(self) -> None:
        submission = self.random.choice(list(Submission.objects.live().select_related("submitter")))
        assert submission.submitter
        with suppress(MoveRefused):  # it has just ended
            cancel(submission, user=submission.submitter)

    def database_away(self) -> None:
        assert self.postgres
        connection.close()
        self.postgres.restart(away_seconds=1)


class Groups(threading.Thread):
    """Thirty groups that submit while the queue is short; if the database is away, they try again."""

    def __init__(self, site: Site) -> None:
        super().__init__(daemon=True)
        self.site = site
        self.accepted: list[int] = []
        self.failure: BaseException | None = None
        for number in range(1, GROUPS + 1):
            site.member_of(number)

    def run(self) -> None:
        try:
            self._submit_all()
        except BaseException as failure:  # noqa: BLE001 - the test checks it
            self.failure = failure
        finally:
            connection.close()

    def _submit_all(self) -> None:
        rng = random.Random(1)
        while len(self.accepted) < SUBMISSIONS:
            try:
                if Submission.objects.live().count() >= MOST_WAITING:
                    time.sleep(0.2)
                    continue
                number = len(self.accepted)
                model, group = random_model(number, rng), 1 + number % GROUPS
                self.accepted.append(self.site.submit_spec(model, group=group, key=f"soak-{number}").pk)
            except DatabaseError:
                connection.close()
                time.sleep(0.5)


def random_model(number: int, rng: random.Random) -> Spec:
    """Neighbours and forests in turn, sometimes a tiny network or a model that sleeps."""
    if number % 25 == 12:
        layers = [{"kind": "Input", "shape": [8, 8, 1]}, {"kind": "Conv2D", "filters": 4, "kernel_size": 3}]
        layers += [{"kind": "Flatten"}, {"kind": "Dense", "units": 10, "activation": "softmax"}]
        return validate({"family": "cnn", "layers": layers, "epochs": 2}, dataset="digits")
    if number % 5 == 3:
        return odd_model("sleep", seconds=round(rng.uniform(1, 3), 2))
    knn = {"family": "knn", "n_neighbors": rng.randint(1, 20)}
    forest = {"family": "forest", "n_estimators": rng.randint(5, 50), "random_state": number}
    return validate(forest if number % 2 else knn, dataset="digits")


@pytest.mark.fault("a random mishap every few seconds")
def test_every_submission_ends_and_none_is_scored_twice_while_parts_break(
    site: Site, request: pytest.FixtureRequest, measured
):
    workers = site.start(workers=2, slots=2)
    mishaps = Mishaps(site, workers, request.getfixturevalue("postgres") if site.database_url else None)
    groups, began, live = Groups(site), time.monotonic(), Submission.objects.live()
    groups.start()
    while groups.is_alive() or live.count() > 5:
        time.sleep(MISHAP_INTERVAL_SECONDS)
        wait_for_some_ends(3)
        mishaps.cause_one()
    assert groups.failure is None, repr(groups.failure)
    until(lambda: not live.exists(), seconds=RECOVERY_SECONDS, what="the end of all submissions")

    measured("took", time.monotonic() - began)
    measured("mishaps", sum(mishaps.done.values()), unit="")
    measured("attempts", Attempt.objects.count(), unit="")
    for state, count in Submission.objects.order_by().values_list("state").annotate(count=Count("id")):
        measured(State(state).label, count, unit="")
    waits = longest_wait_of_each_group()
    measured("longest wait of a group, median", median(waits))
    measured("longest wait of any group", max(waits))

    accepted = Submission.objects.filter(pk__in=groups.accepted)
    measured("ended", accepted.exclude(pk__in=live).count(), exactly=SUBMISSIONS)
    measured("lost", SUBMISSIONS - accepted.count() + live.count(), exactly=0)
    measured("scored twice", scored_twice(), exactly=0)
    assert Submission.objects.count() == SUBMISSIONS
    assert_valid_ends(site)


def wait_for_some_ends(many: int, *, within: float = 60) -> None:
    """Wait for `many` more ends, or `within` seconds: on a slow machine mishaps alone would fill the day."""
    live, before, deadline = Submission.objects.live(), ended_count(), time.monotonic() + within
    while live.exists() and ended_count() < before + many and time.monotonic() < deadline:
        time.sleep(0.2)


def ended_count() -> int:
    return Submission.objects.exclude(finished_at=None).count()


def scored_twice() -> int:
    """The number of submissions with two scored attempts or events, plus scores of submissions that are not scored."""
    attempts = Count("attempts", filter=Q(attempts__exit=Exit.SCORED), distinct=True)
    events = Count("events", filter=Q(events__kind=Event.Kind.SCORED), distinct=True)
    counted = Submission.objects.annotate(scoring_attempts=attempts, scoring_events=events)
    twice = counted.filter(Q(scoring_attempts__gt=1) | Q(scoring_events__gt=1))
    return twice.count() + Score.objects.exclude(submission__state=State.SCORED).count()


def assert_valid_ends(site: Site) -> None:
    """Every submission is scored, or cancelled on request, or failed after its last attempt; only few failed."""
    for submission in Submission.objects.filter(state=State.SCORED):
        assert site.scored_once(submission)
    for submission in Submission.objects.filter(state=State.CANCELLED):
        asked = Q(kind=Event.Kind.CANCEL_ASKED) | Q(kind=Event.Kind.CANCELLED, user=submission.submitter)
        assert submission.events.filter(asked).exists(), site.history(submission)
    failed = Submission.objects.exclude(state__in=(State.SCORED, State.CANCELLED))
    for submission in failed:
        assert (submission.state, submission.attempts.filter(counted=True).count()) == (State.FAILED, MAX_ATTEMPTS)
    assert failed.count() <= 2 + SUBMISSIONS // 100


def longest_wait_of_each_group() -> list[float]:
    """For each group, the most seconds from a submission to the end of its last attempt."""
    longest: dict[str, float] = {}
    for submission in Submission.objects.select_related("group"):
        assert submission.finished_at
        wait = (submission.finished_at - submission.submitted_at).total_seconds()
        longest[submission.owner_name] = max(wait, longest.get(submission.owner_name, 0))
    return list(longest.values())
