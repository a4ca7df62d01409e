"""Board, feed and submissions answer 304 to a client that has the current version."""

from __future__ import annotations

import pytest
from django.test import Client

from submissions.models import Quest
from tests.cast import FOREST

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
LISTS = ["/api/v1/leaderboard/", "/api/v1/feed/", "/feed.txt"]


@pytest.fixture
def scored(submit, score):
    return score(submit(), 330)


def get_with_etag(client: Client, path: str, etag: str):
    return client.get(path, headers={"If-None-Match": etag})


@pytest.mark.parametrize("path", LISTS)
def test_an_unchanged_list_is_not_sent_again(client, scored, path):
    first = client.get(path)

    again = get_with_etag(client, path, first["ETag"])

    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"] == client.get(path)["ETag"]
    assert "no-cache" in again["Cache-Control"]


@pytest.mark.parametrize("path", LISTS)
def test_a_new_score_is_sent(client, scored, submit, score, path):
    before = client.get(path)
    score(submit(FOREST), 340)

    after = get_with_etag(client, path, before["ETag"])

    assert after.status_code == 200
    assert after["ETag"] != before["ETag"]


@pytest.mark.parametrize("path", LISTS)
def test_another_quest_has_another_etag(client, scored, course, path):
    etag = client.get(path)["ETag"]
    other = Quest.objects.create(course=course, name="The other", dataset="digits", state="open")

    assert get_with_etag(client, f"{path}?quest={other.pk}", etag).status_code == 200


@pytest.mark.parametrize("header", ["*", '"other", {}', '{}, W/"other"'])
def test_any_of_several_etags_may_match(client, scored, header):
    etag = client.get(LISTS[0])["ETag"]

    assert get_with_etag(client, LISTS[0], header.format(etag)).status_code == 304
    assert get_with_etag(client, LISTS[0], etag.removeprefix("W/")).status_code == 304
    assert get_with_etag(client, LISTS[0], "nonsense").status_code == 200


def test_an_unchanged_board_is_not_ranked_again(client, scored, quest, django_assert_max_num_queries):
    path = f"{LISTS[0]}?quest={quest.pk}"
    etag = client.get(path)["ETag"]

    with django_assert_max_num_queries(3) as queries:
        get_with_etag(client, path, etag)

    assert "RANK()" not in str(queries.captured_queries)


def test_a_submission_is_not_sent_again_while_it_waits(owner_client, submission):
    path = f"/api/v1/submissions/{submission.pk}/"
    etag = owner_client.get(path)["ETag"]

    assert get_with_etag(owner_client, path, etag).status_code == 304
    owner_client.post(f"{path}cancel/")
    assert get_with_etag(owner_client, path, etag).json()["state"] == "cancelled"
