"""Too many requests by one token or one group get 429 and a Retry-After."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.test import Client

from config.launcher import broker
from submissions.api import throttling
from submissions.models import ApiToken
from tests.stack import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
ME = "/api/v1/me/"


@pytest.fixture
def counting(settings, monkeypatch):
    """Count requests in this process's memory, with a clock that stands still at the start of a minute."""
    settings.CACHES = {**settings.CACHES, "shared": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.API_RATES = {"token": 5, "group": 8}
    monkeypatch.setattr(throttling, "counter", throttling.RequestCounter())
    clock = {"now": 1_790_000_040.0}
    monkeypatch.setattr(throttling, "now", lambda: clock["now"])
    return clock


def notebook(user, group) -> Client:
    token = ApiToken.objects.create(user=user, group=group)[1]
    return Client(headers={"Authorization": f"Token {token}"})


def statuses(client: Client, count: int) -> list[int]:
    return [client.get(ME).status_code for _ in range(count)]


def test_a_token_with_too_many_requests_gets_retry_after(counting, owner, group):
    api = notebook(owner, group)
    assert statuses(api, 5) == [200] * 5

    refused = api.get(ME)

    assert refused.status_code == 429
    assert refused["Retry-After"] == "60"
    assert refused.json()["errors"][0]["message"].startswith(
        "Too many requests. The limits per minute are 5 for a token and 8 for a group"
    )


def test_after_the_wait_the_client_is_served(counting, owner, group):
    api = notebook(owner, group)
    statuses(api, 6)

    counting["now"] += int(api.get(ME)["Retry-After"])

    assert statuses(api, 2) == [200, 200]


def test_more_tokens_do_not_raise_a_groups_limit(counting, owner, colleague, group):
    first, second = notebook(owner, group), notebook(colleague, group)

    assert statuses(first, 5) + statuses(second, 4) == [200] * 8 + [429]


def test_another_group_is_not_limited(counting, owner, group, stranger, other_group):
    statuses(notebook(owner, group), 7)

    assert statuses(notebook(stranger, other_group), 5) == [200] * 5


def test_browser_sessions_are_counted_per_user(counting, owner_client, colleague_client):
    assert statuses(owner_client, 6) == [200] * 5 + [429]
    assert statuses(colleague_client, 1) == [200]


def test_reading_the_board_is_not_counted(counting, client, quest):
    assert {client.get("/api/v1/leaderboard/").status_code for _ in range(12)} == {200}


def test_a_rate_of_zero_is_no_limit(counting, settings, owner, group):
    settings.API_RATES = {"token": 0, "group": 0}

    assert statuses(notebook(owner, group), 12) == [200] * 12


@pytest.fixture
def shared(settings, tmp_path: Path, monkeypatch) -> Iterator[object]:
    """A real broker, where requests are counted."""
    child, url = broker.local_broker(tmp_path)
    child.start()
    until(lambda: broker.responds(url), seconds=10, what="the broker")
    settings.CACHES = {**settings.CACHES, "shared": {**settings.CACHES["shared"], "LOCATION": url}}
    monkeypatch.setattr(throttling, "counter", throttling.RequestCounter())
    yield child
    child.terminate()
    child.wait_or_kill(5)


def test_parallel_requests_are_all_counted(shared):
    with ThreadPoolExecutor(16) as threads:
        counts = list(threads.map(lambda _: throttling.counter.count("rate:test"), range(200)))

    # If a new minute began meanwhile, counting began again; within a minute no number comes twice.
    assert counts.count(max(counts)) == 1
    assert max(counts) >= 100


def test_without_the_broker_everybody_is_served(shared, settings, owner, group):
    settings.API_RATES = {"token": 2, "group": 2}
    api = notebook(owner, group)
    before = statuses(api, 5)

    shared.terminate()
    shared.wait_or_kill(5)

    assert 429 in before
    assert statuses(api, 5) == [200] * 5
