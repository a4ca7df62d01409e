"""The status page: queues and workers for everybody, runs only for readers who may see them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from submissions.models import Exit, Submission, Worker
from submissions.queue import leases, statistics
from tests.cast import claim_one
from workers.supervisor import registration

PAGE = "/status/"


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


@pytest.fixture
def answering_broker(monkeypatch):
    monkeypatch.setattr(statistics, "wakeups", lambda: {"cpu": 1, "gpu": 0})


@pytest.fixture
def upkeep_worker(worker):
    machine = worker.hardware
    return Worker.objects.create(
        name="upkeep@here",
        host="here",
        pid=2,
        device="upkeep",
        version="test",
        hardware=machine,
        reaped_at=timezone.now(),
    )


def page(client: Client, query: str = "") -> str:
    response = client.get(PAGE + query)
    assert response.status_code == 200
    return response.content.decode()


def row(html: str, heading: str) -> list[str]:
    """The cells of the queue table's row."""
    after = html.split(f'<th scope="row">{heading}</th>')[1].split("</tr>")[0]
    return [cell.split("</td>")[0] for cell in after.split('<td class="num">')[1:]]


def test_the_page_says_when_the_broker_is_down(client, db):
    html = page(client)

    assert "The broker cannot be reached" in html
    assert "No worker is running" in html
    assert row(html, "CPU")[3:] == ["–", "–"]


def test_each_queues_row_compares_waiting_submissions_with_wake_ups(client, submit, answering_broker, worker):
    submit(), submit(), submit()
    claim_one(worker)

    assert row(page(client), "CPU") == ["2", "1", "2", "1", "1"]


def test_a_submission_for_either_device_waits_in_both_queues(submit, worker):
    submission = submit()
    Submission.objects.filter(pk=submission.pk).update(device="auto")

    rows = statistics.queues({"cpu": 1, "gpu": 1})

    assert [(queue.waiting, queue.bound, queue.difference) for queue in rows] == [(1, 0, 0), (1, 0, 0)]
    assert statistics.unserved(rows) == []


def test_the_page_says_when_a_submission_waits_for_a_missing_gpu_worker(client, submission, worker):
    Submission.objects.filter(pk=submission.pk).update(device="gpu")

    assert "no GPU worker is running" in page(client)


def test_the_page_says_when_everything_is_working(client, answering_broker, upkeep_worker):
    assert "Everything is working" in page(client)


def test_the_page_says_when_the_reaper_has_stopped(client, answering_broker, upkeep_worker, settings):
    Worker.objects.filter(pk=upkeep_worker.pk).update(reaped_at=timezone.now() - timedelta(minutes=5))

    html = page(client)

    assert "Queue maintenance has not run since" in html
    assert "Everything is working" not in html


def test_only_instructors_see_host_names(client, owner_client, instructor_client, worker):
    for visitor in (client, owner_client):
        html = page(visitor)
        assert "AMD EPYC 9B14, 2 cores" in html
        assert "cpu@here" not in html
    assert "cpu@here" in page(instructor_client)


def test_a_run_is_linked_only_for_its_group_and_instructors(
    client, owner_client, colleague_client, stranger_client, instructor_client, submission, worker
):
    claim_one(worker)
    link = f'href="/submissions/{submission.pk}/"'

    assert [link in page(who) for who in (owner_client, colleague_client, instructor_client)] == [True] * 3
    for who in (client, stranger_client):
        html = page(who)
        assert link not in html
        assert ">a run<" in html


def test_instructors_see_every_groups_longest_wait_and_members_only_their_own(
    client, owner_client, stranger_client, instructor_client, submission
):
    Submission.objects.filter(pk=submission.pk).update(submitted_at=timezone.now() - timedelta(minutes=3, seconds=5))

    for who in (owner_client, instructor_client):
        html = page(who)
        assert "ITMALGrp01" in html.split("Longest wait by group")[1]
        assert "3 min 0" in html
    for who in (client, stranger_client):
        html = page(who)
        assert "Longest wait by group" not in html
        assert "The longest wait is 3 min 0" in html


def test_lost_runs_and_further_attempts_are_linked_for_instructors_only(
    client, instructor_client, submission, worker, settings
):
    leases.release(claim_one(worker), Exit.LOST, reason="Lost.")
    settings.LEASE_SECONDS = -1
    claim_one(worker)

    assert statistics.tried_again() == [(submission.pk, 1)]
    assert statistics.expired_leases().count() == 1
    assert f"/submissions/{submission.pk}/" in page(instructor_client)
    assert "/submissions/" not in page(client).split("Recovery")[1]


def test_an_unchanged_page_is_not_sent_again(client, answering_broker, upkeep_worker):
    version = page(client).split("seen=")[1].split('"')[0]

    assert client.get(f"{PAGE}?seen={version}").status_code == 204
    upkeep_worker.delete()
    fragment = page(client, f"?seen={version}")
    assert fragment.lstrip().startswith('<div id="status"')


def test_only_an_upkeep_worker_records_when_it_reaped(worker, upkeep_worker, monkeypatch):
    upkeep_worker.reaped_at = None
    upkeep_worker.save()
    for one in (worker, upkeep_worker):
        monkeypatch.setattr(registration, "registered_worker", one)
        registration.note_reaped()

    worker.refresh_from_db()
    upkeep_worker.refresh_from_db()
    assert worker.reaped_at is None
    assert abs(upkeep_worker.reaped_at - timezone.now()) < timedelta(seconds=5)


def test_wake_ups_are_unknown_while_the_broker_is_down(settings):
    assert statistics.wakeups() is None
    with pytest.raises(redis.RedisError), statistics.broker() as connection:
        connection.ping()
