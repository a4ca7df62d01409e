"""The desk's live queue, where instructors pause, drain and resume workers."""

from __future__ import annotations

import pytest

from submissions.models import Quest, Worker
from tests.cast import FOREST, claim_one


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def page(client, query: str = "") -> str:
    return text_of(client.get(f"/desk/queue/{query}"))


def test_the_queue_lists_waiting_submissions(submission, worker, instructor_client):
    shown = page(instructor_client)

    assert f'<tr id="waits-{submission.pk}">' in shown
    assert "ITMALGrp01" in shown
    assert "about to start" in shown


def test_the_queue_says_why_a_submission_waits(submit, worker, instructor_client, stranger, other_group):
    Quest.objects.update(group_limit=1)
    submit()
    claim_one(worker)
    submit(FOREST)
    assert "group limit reached (1 running)" in page(instructor_client)

    submit(submitter=stranger, group=other_group)
    claim_one(worker)
    Quest.objects.update(group_limit=5)
    assert "all slots are busy" in page(instructor_client)

    Quest.objects.update(exclusive=True)
    assert "waiting for exclusive use of a machine" in page(instructor_client)

    Worker.objects.update(stopped_at="2026-01-01T00:00:00Z")
    assert "no active worker for this device" in page(instructor_client)
    assert "No worker is running" in page(instructor_client)


def test_submissions_that_start_at_the_same_moment_are_listed_in_fair_order(
    submit, worker, instructor_client, stranger, other_group
):
    Quest.objects.update(group_limit=2)
    Worker.objects.update(slots=3)
    submit()
    claim_one(worker)
    of_a_running_group = submit(FOREST)
    of_an_idle_group = submit(FOREST, submitter=stranger, group=other_group)

    rows = instructor_client.get("/desk/queue/").context["queue"].rows

    assert [row.prediction.wait_s for row in rows] == [0, 0]
    assert [row.submission for row in rows] == [of_an_idle_group, of_a_running_group]


def test_submissions_that_no_worker_can_start_are_listed_in_fair_order(
    submit, worker, instructor_client, stranger, other_group
):
    submit()
    claim_one(worker)
    of_a_running_group = submit(FOREST)
    of_an_idle_group = submit(FOREST, submitter=stranger, group=other_group)
    Worker.objects.update(stopped_at="2026-01-01T00:00:00Z")

    rows = instructor_client.get("/desk/queue/").context["queue"].rows

    assert [row.submission for row in rows] == [of_an_idle_group, of_a_running_group]


def test_the_queue_shows_each_workers_runs(submission, worker, instructor_client):
    claim_one(worker)

    shown = page(instructor_client)

    assert f'<tr id="worker-{worker.pk}">' in shown
    assert f">#{submission.pk}</a>" in shown
    assert "The queue is empty." in shown


def test_a_poll_gets_204_until_something_changes(submission, worker, instructor_client):
    version = instructor_client.get("/desk/queue/").context["queue"].version
    assert instructor_client.get(f"/desk/queue/?seen={version}").status_code == 204

    claim_one(worker)

    fragment = text_of(instructor_client.get(f"/desk/queue/?seen={version}"))
    assert fragment.startswith('<div id="desk-queue"')
    assert "<html" not in fragment


def test_a_worker_is_paused_and_resumed(worker, instructor_client):
    address = f"/desk/workers/{worker.pk}/"

    assert "finishes its current runs and takes no more" in text_of(
        instructor_client.post(address, {"duty": "paused"}, follow=True)
    )
    assert 'aria-label="Resume cpu@here"' in page(instructor_client)
    assert 'aria-label="Pause cpu@here"' not in page(instructor_client)

    assert "takes runs again" in text_of(instructor_client.post(address, {"duty": "on"}, follow=True))
    assert Worker.objects.get().duty == "on"


def test_draining_asks_for_confirmation_and_lists_the_runs_it_returns(submission, worker, instructor_client):
    claim_one(worker)
    address = f"/desk/workers/{worker.pk}/"

    confirmation = text_of(instructor_client.get(address))
    assert "It returns 1 run" in confirmation
    assert f"#{submission.pk} ITMALGrp01" in confirmation
    assert Worker.objects.get().duty == "on"

    instructor_client.post(address, {"duty": "drained"})
    assert Worker.objects.get().duty == "drained"


def test_the_upkeep_worker_cannot_be_paused(worker, instructor_client):
    Worker.objects.update(device="upkeep")

    assert "Pause" not in page(instructor_client).replace("paused", "")
    response = instructor_client.post(f"/desk/workers/{worker.pk}/", {"duty": "paused"}, follow=True)
    assert "upkeep worker does maintenance" in text_of(response)


@pytest.mark.parametrize("duty", ["", "off"])
def test_an_unknown_duty_is_not_found(worker, instructor_client, duty):
    assert instructor_client.post(f"/desk/workers/{worker.pk}/", {"duty": duty}).status_code == 404


def test_a_long_queue_takes_few_queries(submit, worker, instructor_client, django_assert_max_num_queries):
    for _ in range(8):
        submit()
    claim_one(worker)
    claim_one(worker)

    with django_assert_max_num_queries(20):
        page(instructor_client)
