"""The desk's list of submissions: filters, order, live table, cancel and re-run."""

from datetime import timedelta

import pytest
from django.utils import timezone

from leaderboard.desk import submissions
from submissions.models import Event, Hardware, State, Submission
from tests.cast import FOREST, claim_one, reload

pytestmark = pytest.mark.slow


@pytest.fixture
def three(submit, score):
    """A scored forest, a scored KNN that trained longer, and one that is waiting."""
    forest = score(submit(FOREST), 350, train_s=1.0)
    knn = score(submit(), 340, train_s=9.0)
    return forest, knn, submit()


def listed(client, query: str = "") -> list[int]:
    return [submission.pk for submission in client.get(f"/desk/?{query}").context["page"]]


def test_every_submission_is_listed_with_its_times_newest_first(three, instructor_client):
    response = instructor_client.get("/desk/")

    assert [submission.pk for submission in response.context["page"]] == [one.pk for one in reversed(three)]
    page = response.content.decode()
    for shown in ("0.97222", "9.0 s", "0.50 s", "AMD EPYC 9B14, 2 cores", "n_estimators=20)"):
        assert shown in page


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("family=forest", [0]),
        ("state=queued", [2]),
        ("state=live", [2]),
        ("state=scored&sort=training", [0, 1]),
        ("sort=-training", [1, 0, 2]),
        ("sort=training", [0, 1, 2]),
        ("sort=-score", [0, 1, 2]),
        ("sort=submitted", [0, 1, 2]),
        ("group=grp01&sort=submitted", [0, 1, 2]),
        ("group=nobody", []),
        ("family=none&state=none&hardware=none&quest=none&sort=none", [2, 1, 0]),
        ("quest=999999999999999999999999", [2, 1, 0]),
        ("hardware=²&group=%00", [2, 1, 0]),
    ],
)
def test_the_address_sets_filters_and_order_and_invalid_values_are_ignored(three, instructor_client, query, places):
    assert listed(instructor_client, query) == [three[place].pk for place in places]


def test_the_list_can_be_filtered_by_quest_and_hardware(three, quest, worker, instructor_client):
    other = Hardware.objects.create(key="b", cpu_model="Other", cores=1, ram_bytes=1, os="x")

    assert listed(instructor_client, f"quest={quest.pk}&sort=submitted") == [one.pk for one in three]
    assert listed(instructor_client, f"quest={quest.pk + 1}") == []
    assert listed(instructor_client, f"hardware={worker.hardware_id}&sort=submitted") == [one.pk for one in three[:2]]
    assert listed(instructor_client, f"hardware={other.pk}") == []


def test_the_table_is_sent_again_only_when_something_changed(submission, worker, instructor_client):
    etag = instructor_client.get("/desk/").context["snapshot"].etag

    assert instructor_client.get(f"/desk/?seen={etag}").status_code == 204

    claim_one(worker)
    again = instructor_client.get(f"/desk/?seen={etag}")
    assert again.status_code == 200
    assert again.content.decode().strip().startswith("<table")
    assert "badge-running" in again.content.decode()


def test_a_long_list_has_pages_that_keep_the_filters(submit, instructor_client, monkeypatch):
    monkeypatch.setattr(submissions, "PAGE", 2)
    for _ in range(5):
        submit()

    page = instructor_client.get("/desk/?family=knn&page=2")

    assert len(page.context["page"]) == 2
    assert "?family=knn&amp;page=3" in page.content.decode()
    assert "?family=knn&amp;page=1" in page.content.decode()


def test_a_long_list_takes_a_fixed_number_of_queries(submit, score, instructor_client, django_assert_max_num_queries):
    for _ in range(6):
        score(submit(), 300)
    with django_assert_max_num_queries(12):
        instructor_client.get("/desk/")


def test_an_instructor_cancels_with_a_reason_that_the_group_reads(submission, instructor_client):
    confirmation = instructor_client.get(f"/desk/submissions/{submission.pk}/cancel/?next=/desk/%3Fstate%3Dqueued")
    assert "n_neighbors=4" in confirmation.content.decode()

    response = instructor_client.post(
        f"/desk/submissions/{submission.pk}/cancel/", {"reason": "The data was wrong.", "next": "/desk/?state=queued"}
    )

    assert response["Location"] == "/desk/?state=queued"
    assert (reload(submission).state, reload(submission).reason) == (State.CANCELLED, "The data was wrong.")


def test_cancelling_a_running_submission_asks_it_to_stop(submission, worker, instructor_client):
    claim_one(worker)

    instructor_client.post(f"/desk/submissions/{submission.pk}/cancel/")

    assert reload(submission).cancel_asked
    assert "being cancelled" in instructor_client.get("/desk/").content.decode()


def test_an_ended_submission_cannot_be_cancelled(submission, score, instructor_client):
    score(submission, 300)

    response = instructor_client.post(f"/desk/submissions/{submission.pk}/cancel/", follow=True)

    assert "already ended" in response.content.decode()
    assert reload(submission).state == State.SCORED


def test_a_rerun_keeps_the_original_submission_time(submission, score, instructor_client, instructor):
    score(submission, 300, ago=timedelta(days=2))

    instructor_client.post(f"/desk/submissions/{submission.pk}/rerun/", {"reason": "The machine was busy."})

    again = Submission.objects.get(rerun_of=submission)
    assert again.state == State.QUEUED
    assert timezone.now() - again.ranked_at > timedelta(days=1)
    event = Event.objects.get(submission=again)
    assert (event.kind, event.user, event.reason) == (Event.Kind.RERUN, instructor, "The machine was busy.")
    assert f"re-run of #{submission.pk}" in instructor_client.get("/desk/").content.decode()


def test_a_waiting_submission_cannot_be_rerun(submission, instructor_client):
    response = instructor_client.post(f"/desk/submissions/{submission.pk}/rerun/", follow=True)

    assert "has not ended yet" in response.content.decode()
    assert Submission.objects.count() == 1


def test_an_action_never_redirects_to_another_site(submission, instructor_client):
    response = instructor_client.post(
        f"/desk/submissions/{submission.pk}/cancel/", {"next": "https://elsewhere.example/"}
    )

    assert response["Location"] == "/desk/"


def test_text_typed_by_a_group_is_escaped(submission, instructor_client):
    Submission.objects.update(headline="<script>alert(1)</script>", reason="<b>no</b>")

    page = instructor_client.get("/desk/").content.decode()

    assert "<script>alert" not in page
    assert "<b>no</b>" not in page


def test_the_ranking_shows_all_times_and_answers_polls(submission, score, quest, instructor_client):
    score(submission, 351, train_s=7.1)

    response = instructor_client.get(f"/desk/ranking/?quest={quest.pk}")

    page = response.content.decode()
    for shown in ("0.97500", "7.1 s", "0.50 s", "14.2 s", "AMD EPYC 9B14, 2 cores"):
        assert shown in page
    etag = response.context["snapshot"].etag
    assert instructor_client.get(f"/desk/ranking/?quest={quest.pk}&seen={etag}").status_code == 204
    assert instructor_client.get(f"/desk/ranking/?quest={quest.pk}&seen=").content.decode().strip().startswith("<table")


def test_without_a_quest_the_ranking_links_to_the_quests(instructor_client):
    assert "/desk/quests/" in instructor_client.get("/desk/ranking/").content.decode()
