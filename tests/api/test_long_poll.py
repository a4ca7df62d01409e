"""GET submissions/{id}/?wait=30 waits until the submission changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import takewhile

import pytest
from django.db import connection
from django.test import Client

from submissions.api import long_poll
from submissions.models import Attempt, Submission
from submissions.queue import leases, lifecycle
from tests.cast import claim_one, result_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class CountedSlots(threading.BoundedSemaphore):
    """Slots that count the requests waiting on them."""

    taken = 0

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        acquired = super().acquire(blocking, timeout)
        self.taken += acquired
        return acquired

    def release(self, n: int = 1) -> None:
        super().release(n)
        self.taken -= n


@pytest.fixture
def two_slots(monkeypatch):
    monkeypatch.setattr(long_poll, "wait_slots", CountedSlots(2))
    monkeypatch.setattr(long_poll, "POLL_EVERY_S", 0.05)


@pytest.fixture
def ask(two_slots, owner_token) -> Iterator[Callable]:
    """Ask for a submission in another thread, as another request would; its answer, and the seconds it took."""
    threads = ThreadPoolExecutor(4)

    def get(pk: int, wait: float, etag: str | None) -> tuple:
        began = time.monotonic()
        headers = {"Authorization": f"Token {owner_token}"} | ({"If-None-Match": etag} if etag else {})
        try:
            response = Client(headers=headers).get(f"/api/v1/submissions/{pk}/?wait={wait}")
        finally:
            connection.close()
        return response, time.monotonic() - began

    def ask(submission: Submission, wait: float, *, etag: str | None = None) -> Future:
        return threads.submit(get, submission.pk, wait, etag)

    yield ask
    threads.shutdown()


def wait_for_requests(count: int) -> None:
    """Wait until exactly `count` requests are waiting."""
    assert isinstance(long_poll.wait_slots, CountedSlots)
    deadline = time.monotonic() + 10
    while long_poll.wait_slots.taken != count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_request_is_answered_as_soon_as_the_state_changes(ask, submission, worker):
    answer = ask(submission, 30)
    wait_for_requests(1)

    attempt = claim_one(worker)

    response, seconds = answer.result(timeout=20)
    assert response.json()["state"] == "running"
    assert seconds < 15

    answer = ask(submission, 30)
    wait_for_requests(1)
    leases.record_score(attempt, result_of(340))
    assert answer.result(timeout=20)[0].json()["score"] == pytest.approx(340 / 360)


def test_a_request_is_answered_as_soon_as_the_progress_changes(ask, submission, worker):
    attempt = claim_one(worker)
    answer = ask(submission, 30)
    wait_for_requests(1)

    Attempt.objects.filter(pk=attempt.pk).update(progress={"epoch": 2})

    assert answer.result(timeout=20)[0].json()["progress"] == {"epoch": 2}


def test_a_request_is_answered_as_soon_as_the_submission_is_cancelled(ask, submission, owner):
    answer = ask(submission, 30)
    wait_for_requests(1)

    lifecycle.cancel(submission, user=owner)

    assert answer.result(timeout=20)[0].json()["state"] == "cancelled"


def test_without_changes_a_request_is_answered_when_its_time_is_up(ask, submission):
    response, seconds = ask(submission, 0.5).result(timeout=20)

    assert (response.status_code, response.json()["state"]) == (200, "queued")
    assert 0.5 <= seconds < 10
    assert "Retry-After" not in response.headers


def test_an_ended_submission_is_answered_at_once(ask, submission, owner):
    lifecycle.cancel(submission, user=owner)

    assert ask(submission, 30).result(timeout=20)[1] < 15


def test_a_change_since_the_etag_is_answered_at_once(ask, submission, worker):
    etag = ask(submission, 0).result(timeout=20)[0]["ETag"]
    claim_one(worker)

    response, seconds = ask(submission, 30, etag=etag).result(timeout=20)

    assert response.json()["state"] == "running"
    assert seconds < 15


def test_without_changes_since_the_etag_the_request_waits(ask, submission):
    etag = ask(submission, 0).result(timeout=20)[0]["ETag"]

    response, seconds = ask(submission, 0.5, etag=etag).result(timeout=20)

    assert response.status_code == 304
    assert seconds >= 0.5


def test_requests_beyond_the_limit_are_answered_at_once_with_retry_after(ask, submission, owner):
    held = [ask(submission, 30), ask(submission, 30)]
    wait_for_requests(2)

    response, seconds = ask(submission, 30).result(timeout=20)

    assert (response.status_code, response["Retry-After"]) == (200, "1")
    assert seconds < 15
    lifecycle.cancel(submission, user=owner)
    assert {answer.result(timeout=20)[0].json()["state"] for answer in held} == {"cancelled"}
    wait_for_requests(0)


def test_a_stranger_does_not_wait(two_slots, submission, stranger_client):
    began = time.monotonic()

    assert stranger_client.get(f"/api/v1/submissions/{submission.pk}/?wait=30").status_code == 404
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("wait", ["-1", "56", "nan", "inf", "long", ""])
def test_an_invalid_wait_is_refused(owner_client, submission, wait):
    response = owner_client.get(f"/api/v1/submissions/{submission.pk}/?wait={wait}")

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "wait")


def test_a_quarter_of_the_threads_may_wait(settings):
    assert settings.WEB_THREADS == 8
    taken = list(takewhile(bool, (long_poll.wait_slots.acquire(blocking=False) for _ in range(8))))
    long_poll.wait_slots.release(len(taken))
    assert len(taken) == 2
