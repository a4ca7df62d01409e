"""Board and feed over the REST API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from submissions.models import Quest, QuestState
from tests.cast import FOREST

pytestmark = pytest.mark.django_db
BOARD, FEED = "/api/v1/leaderboard/", "/api/v1/feed/"


def fields(response) -> list[str]:
    return [error["field"] for error in response.json()["errors"]]


@pytest.fixture
def ranking(submit, score, stranger, other_group):
    """Two scores of the owner's group, then a better one of the stranger's."""
    return [
        score(submit(), 330),
        score(submit(FOREST), 340, train_s=9.0),
        score(submit(submitter=stranger, group=other_group), 350, train_s=3.0),
    ]


def test_anyone_reads_each_groups_best(client, quest, ranking):
    body = client.get(BOARD).json()

    assert (body["quest"], body["quest_name"], body["dataset"]) == (quest.pk, "Digits quest", "digits")
    assert [(row["rank"], row["group"], row["correct"]) for row in body["results"]] == [
        (1, "ITMALGrp02", 350),
        (2, "ITMALGrp01", 340),
    ]
    first = body["results"][0]
    assert first["score"] == pytest.approx(350 / 360)
    assert first["model"] == "KNeighborsClassifier(n_neighbors=4, weights='distance')"
    assert first["timing"] == {"train": 3.0, "predict": 0.5, "stock_predicted": None}
    assert (first["hardware"], first["device"], first["parameters"]) == ("AMD EPYC 9B14, 2 cores", "cpu", None)
    assert first["private_score"] is None


def test_the_board_can_list_all_rows_filter_and_sort(client, ranking):
    def correct(**query):
        return [row["correct"] for row in client.get(BOARD, query).json()["results"]]

    assert correct(show="all") == [350, 340, 330]
    assert correct(show="all", sort="-train") == [340, 350, 330]
    assert correct(family="knn") == [350, 330]
    assert correct(device="gpu") == correct(hardware=999) == []
    assert correct(family="", device="") == [350, 340]


def test_a_long_board_is_paginated(client, ranking):
    url, ranks = f"{BOARD}?show=all&limit=2", []

    while url:
        page = client.get(url).json()
        ranks.append([row["rank"] for row in page["results"]])
        url = page["next"]

    assert ranks == [[1, 2], [3]]


def test_after_the_reveal_the_private_score_decides(client, quest, submit, score, stranger, other_group):
    Quest.objects.update(private_share=0.5)
    score(submit(), 170, total=180, private=(100, 180))
    score(submit(submitter=stranger, group=other_group), 160, total=180, private=(150, 180))
    before = client.get(BOARD).json()["results"]

    Quest.objects.update(state=QuestState.REVEALED)

    after = client.get(BOARD).json()["results"]
    assert [(row["group"], row["private_score"]) for row in before] == [("ITMALGrp01", None), ("ITMALGrp02", None)]
    assert [(row["group"], row["private_score"]) for row in after] == [
        ("ITMALGrp02", pytest.approx(150 / 180)),
        ("ITMALGrp01", pytest.approx(100 / 180)),
    ]


def test_the_feed_has_the_lines_of_feed_txt_newest_first(client, ranking):
    rows = client.get(FEED).json()["results"]

    assert [(row["group"], row["best"]) for row in rows] == [
        ("ITMALGrp02", True),
        ("ITMALGrp01", True),
        ("ITMALGrp01", True),
    ]
    assert '> "ITMALGrp02: best: dat=digits, score=0.97222, model=KNeighborsClassifier(' in rows[0]["text"]
    assert rows[0]["text"] == client.get("/feed.txt").content.decode().splitlines()[0]


def test_a_worse_score_is_in_the_feed_but_not_marked_best(client, submit, score):
    score(submit(), 340, ago=timedelta(minutes=5))
    score(submit(FOREST), 330)

    assert [row["best"] for row in client.get(FEED).json()["results"]] == [False, True]


@pytest.mark.parametrize("path", [BOARD, FEED])
def test_without_a_quest_there_is_nothing_to_rank(client, db, path):
    assert client.get(path).json() == {
        "quest": None,
        "quest_name": None,
        "dataset": None,
        "frozen_at": None,
        "next": None,
        "results": [],
    }


@pytest.mark.parametrize("path", [BOARD, FEED])
def test_only_instructors_can_read_the_board_and_feed_of_a_draft(client, instructor_client, course, path):
    draft = Quest.objects.create(course=course, name="Draft")

    assert fields(client.get(path, {"quest": draft.pk})) == ["quest"]
    assert instructor_client.get(path, {"quest": draft.pk}).json()["quest_name"] == "Draft"


@pytest.mark.parametrize("path", [BOARD, FEED])
@pytest.mark.parametrize("who", ["client", "owner_client", "colleague_client", "stranger_client", "instructor_client"])
def test_board_and_feed_are_the_same_for_every_role(request, client, ranking, who, path):
    assert request.getfixturevalue(who).get(path).json() == client.get(path).json()


@pytest.mark.parametrize("path", [BOARD, FEED])
def test_a_long_board_takes_few_queries(client, submit, score, quest, path, django_assert_max_num_queries):
    for correct in range(300, 306):
        score(submit(), correct)

    with django_assert_max_num_queries(5):
        client.get(path, {"quest": quest.pk, "limit": 5})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("quest=nowhere", "quest"),
        ("family=svm", "family"),
        ("hardware=abc", "hardware"),
        ("hardware=99999999999999999999", "hardware"),
        ("device=auto", "device"),
        ("show=worst", "show"),
        ("sort=beauty", "sort"),
        ("limit=1001", "limit"),
        ("offset=5", "offset"),
        ("cursor=%00", "cursor"),
        ("famly=knn", "famly"),
        ("quest=%00", "quest"),
    ],
)
def test_an_invalid_query_names_its_parameter(client, quest, query, field):
    response = client.get(f"{BOARD}?{query}")

    assert (response.status_code, fields(response)) == (400, [field])
