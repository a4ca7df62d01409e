"""The status page: how busy the service is for everybody, who runs what for those who may know."""

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
def fresh_look():
    cache.clear()


@pytest.fixture
def answering_broker(monkeypatch):
    monkeypatch.setattr(statistics, "wakeups", lambda: {"cpu": 1, "gpu": 0})


@pytest.fixture
def reaped(worker):
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


def test_a_broker_that_is_down_is_said_and_breaks_nothing(client, db):
    html = page(client)

    assert "The broker cannot be reached" in html
    assert "No worker is running" in html
    assert row(html, "CPU")[3:] == ["–", "–"]


def test_waiting_and_wake_ups_stand_side_by_side_with_their_difference(client, submit, answering_broker, worker):
    submit(), submit(), submit()
    claim_one(worker)

    assert row(page(client), "CPU") == ["2", "1", "2", "1", "1"]


def test_what_may_run_on_either_device_waits_in_both_queues(submit, worker):
    submission = submit()
    Submission.objects.filter(pk=submission.pk).update(device="auto")

    rows = statistics.queues({"cpu": 1, "gpu": 1})

    assert [(queue.waiting, queue.bound, queue.difference) for queue in rows] == [(1, 0, 0), (1, 0, 0)]
    assert statistics.unserved(rows) == []


def test_a_gpu_that_was_asked_for_and_is_not_there_is_named(client, submission, worker):
    Submission.objects.filter(pk=submission.pk).update(device="gpu")

    assert "no GPU worker is running" in page(client)


def test_all_is_well_when_it_is(client, answering_broker, reaped):
    assert "Everything is working" in page(client)


def test_a_reaper_that_fell_silent_is_said(client, answering_broker, reaped, settings):
    Worker.objects.filter(pk=reaped.pk).update(reaped_at=timezone.now() - timedelta(minutes=5))

    html = page(client)

    assert "Queue maintenance has not run since" in html
    assert "Everything is working" not in html


def test_hosts_are_for_instructors(client, owner_client, instructor_client, worker):
    for visitor in (client, owner_client):
        html = page(visitor)
        assert "AMD EPYC 9B14, 2 cores" in html
        assert "cpu@here" not in html
    assert "cpu@here" in page(instructor_client)


def test_a_run_is_linked_for_its_group_and_instructors_only(
    client, owner_client, colleague_client, stranger_client, instructor_client, submission, worker
):
    claim_one(worker)
    link = f'href="/submissions/{submission.pk}/"'

    assert [link in page(who) for who in (owner_client, colleague_client, instructor_client)] == [True] * 3
    for who in (client, stranger_client):
        html = page(who)
        assert link not in html
        assert "a run" in html


def test_the_oldest_wait_of_each_group_is_for_instructors_and_of_ones_own_for_its_members(
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


def test_lost_runs_and_further_attempts_are_counted_and_linked_for_instructors(
    client, instructor_client, submission, worker, settings
):
    leases.release(claim_one(worker), Exit.LOST, reason="Lost.")
    settings.LEASE_SECONDS = -1
    claim_one(worker)

    assert statistics.tried_again() == [(submission.pk, 1)]
    assert statistics.expired_leases().count() == 1
    assert f"/submissions/{submission.pk}/" in page(instructor_client)
    assert "/submissions/" not in page(client).split("Recovery")[1]


def test_an_unchanged_page_is_not_sent_again(client, answering_broker, reaped):
    version = page(client).split("seen=")[1].split('"')[0]

    assert client.get(f"{PAGE}?seen={version}").status_code == 204
    reaped.delete()
    fragment = page(client, f"?seen={version}")
    assert fragment.lstrip().startswith('<div id="status"')


def test_an_upkeep_worker_alone_notes_that_it_looked_after_the_queue(worker, reaped, monkeypatch):
    reaped.reaped_at = None
    reaped.save()
    for one in (worker, reaped):
        monkeypatch.setattr(registration, "registered_worker", one)
        registration.note_reaped()

    worker.refresh_from_db()
    reaped.refresh_from_db()
    assert worker.reaped_at is None
    assert abs(reaped.reaped_at - timezone.now()) < timedelta(seconds=5)


def test_a_broker_where_nobody_listens_has_no_wake_ups(settings):
    assert statistics.wakeups() is None
    with pytest.raises(redis.RedisError), statistics.broker() as connection:
        connection.ping()
