"""Lists over the REST API, sorted and read page by page while they grow."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from submissions.models import Attempt, Submission
from tests.cast import FOREST

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
MINE, BOARD, FEED = "/api/v1/submissions/", "/api/v1/leaderboard/", "/api/v1/feed/"
NET = {
    "family": "cnn",
    "layers": [{"kind": "Input", "shape": [8, 8, 1]}, {"kind": "Flatten"}, {"kind": "Dense", "units": 10}],
}


@pytest.fixture
def api(owner_token) -> Client:
    return Client(headers={"Authorization": f"Token {owner_token}"})


@pytest.fixture
def scored(submit, score) -> list[Submission]:
    """Two equal scores, a better one, and a worse one with an unknown training time."""
    found = [score(submit(), 330, train_s=2.5), score(submit(FOREST), 330, train_s=9.0)]
    found += [score(submit(), 340, train_s=0.1), score(submit(), 320)]
    Attempt.objects.filter(submission=found[-1]).update(train_s=None)
    return found


def pages(client: Client, url: str | None) -> list[list[int]]:
    """The ids in each page, following `next`."""
    found = []
    while url:
        page = client.get(url).json()
        found.append([row.get("id") or row["submission"] for row in page["results"]])
        url = page["next"]
    return found


@pytest.mark.parametrize("sort", ["score", "-score", "train", "-train", "parameters", "-parameters", "when", "-when"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_a_sorted_list_make_up_the_whole(api, scored, submit, sort, limit):
    waits, net = submit(), submit(NET)

    whole = pages(api, f"{MINE}?sort={sort}")[0]

    assert sorted(whole) == sorted(row.pk for row in [*scored, waits, net])
    assert [pk for page in pages(api, f"{MINE}?sort={sort}&limit={limit}") for pk in page] == whole


def test_rows_without_a_sort_value_come_last_in_both_directions(api, scored, submit):
    waits = submit()
    first, second, third, unknown = (row.pk for row in scored)

    assert pages(api, f"{MINE}?sort=-train") == [[second, first, third, waits.pk, unknown]]
    assert pages(api, f"{MINE}?sort=train") == [[third, first, second, waits.pk, unknown]]
    assert pages(api, f"{MINE}?sort=-score") == [[third, second, first, unknown, waits.pk]]


def test_the_list_is_narrowed_by_device_and_time(api, submit):
    old, net = submit(), submit(NET)
    Submission.objects.filter(pk=old.pk).update(submitted_at=timezone.now() - timedelta(days=2))
    since = (timezone.now() - timedelta(days=1)).isoformat().replace("+", "%2B")

    assert pages(api, f"{MINE}?device=cpu") == [[old.pk]]
    assert pages(api, f"{MINE}?since={since}") == [[net.pk]]


@pytest.mark.parametrize("sort", ["", "train", "-train", "predict", "parameters", "when", "-when"])
@pytest.mark.parametrize("limit", [1, 3])
def test_pages_of_a_board_make_up_the_whole(client, scored, sort, limit):
    rows = client.get(f"{BOARD}?show=all&sort={sort}").json()["results"]
    url, paged = f"{BOARD}?show=all&sort={sort}&limit={limit}", []
    while url:
        page = client.get(url).json()
        paged += page["results"]
        url = page["next"]

    assert paged == rows
    assert {row["submission"]: row["rank"] for row in rows} == dict(
        zip([row.pk for row in scored], [2, 2, 1, 4], strict=True)
    )


def test_a_new_row_does_not_shift_later_pages(client, scored, submit, score):
    board, feed = client.get(f"{BOARD}?show=all&limit=2").json(), client.get(f"{FEED}?limit=2").json()
    first, second, third, fourth = (row.pk for row in scored)

    score(submit(), 350)

    assert [row["submission"] for row in board["results"]] == [third, first]
    assert [(row["submission"], row["rank"]) for row in client.get(board["next"]).json()["results"]] == [
        (second, 3),
        (fourth, 5),
    ]
    assert [row["submission"] for row in feed["results"]] == [fourth, third]
    assert pages(client, feed["next"]) == [[second, first]]


def test_a_later_page_of_the_feed_marks_the_best_scores_too(client, scored):
    whole = client.get(FEED).json()["results"]
    second = client.get(client.get(f"{FEED}?limit=1").json()["next"]).json()["results"]

    assert [row["best"] for row in whole] == [False, True, False, True]
    assert second == whole[1:2]


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    "invalid",
    [
        "nowhere",
        "%00",
        "é",
        cursor(),
        cursor("-pk"),
        cursor("-pk", None),
        cursor("-pk", True),
        cursor("-pk", "1"),
        cursor("-pk", 1.5),
        cursor("-pk", 10**30),
        cursor("-pk", {}),
        cursor("-pk", 1, 2),
        cursor("pk", 1),
        base64.urlsafe_b64encode(b'["-pk", NaN]').decode(),
        base64.urlsafe_b64encode(b"[" * 400).decode(),
        "A" * 10_000,
    ],
)
def test_an_invalid_cursor_is_refused(api, submission, invalid):
    response = api.get(f"{MINE}?cursor={invalid}")

    assert (response.status_code, [error["field"] for error in response.json()["errors"]]) == (400, ["cursor"])


@pytest.mark.parametrize("when", ["yesterday", "2026-10-12", "2026-10-12T11:13:00", 7, None])
def test_a_feed_cursor_with_an_invalid_time_is_refused(client, quest, when):
    response = client.get(f"{FEED}?cursor={cursor('-finished_at -pk', when, 1)}")

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "cursor")
