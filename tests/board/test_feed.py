"""The feed: one line for each score, newest first."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from leaderboard.ranking import queries
from submissions.models import Hardware, Quest, Submission
from submissions.notation.reader import read
from submissions.specs.network import CNN
from tests.cast import FOREST

NOON = datetime(2026, 10, 12, 11, 13, tzinfo=ZoneInfo("Europe/Copenhagen"))


@pytest.fixture
def post(submit, score):
    """Submit and score as the owner's group, `minutes` after thirteen past eleven on the 12th of October."""

    def post(correct: int, *, minutes: int = 0, model=None, train_s: float = 7.1, **more) -> Submission:
        submission = score(submit(model, **more), correct, train_s=train_s)
        Submission.objects.filter(pk=submission.pk).update(finished_at=NOON + timedelta(minutes=minutes))
        return submission

    return post


def lines(client, query: str = "") -> list[str]:
    return client.get(f"/feed.txt{query}").text.splitlines()


def test_a_feed_line_keeps_its_established_format(client, post):
    post(350)

    assert lines(client) == [
        '12/10 11:13> "ITMALGrp01: best: dat=digits, score=0.97222, '
        "model=KNeighborsClassifier(n_neighbors=4, weights='distance'), train=7.1 s, predict=0.50 s, "
        'hw=AMD EPYC 9B14, 2 cores, engine=accelerated scikit-learn 1.9.1"'
    ]


CHAIN = {"family": "knn", "preprocess": [{"kind": "StandardScaler"}], "n_neighbors": 3}
FLAT = [{"kind": "Input", "shape": [8, 8]}, {"kind": "Flatten"}, {"kind": "Dense", "units": 10}]


@pytest.mark.parametrize("model", [None, FOREST, CHAIN], ids=["knn", "forest", "pipeline"])
def test_a_line_can_be_pasted_where_models_are_submitted(client, post, quest, model):
    submission = post(350, model=model)
    post(330, model=model, minutes=1)  # not its group's best

    parsed = read("\n".join(lines(client)), dataset=quest.dataset)

    assert parsed.spec == submission.model
    assert parsed.consequential == ()


def test_the_line_of_a_network_says_that_compile_and_fit_are_missing(client, post, quest):
    post(350, model={"family": "cnn", "layers": FLAT})

    parsed = read(lines(client)[0], dataset=quest.dataset)

    assert isinstance(parsed.spec, CNN)
    [missing] = parsed.consequential
    assert "the feed shows no compile or fit" in missing


def test_the_newest_line_comes_first(client, post):
    post(340)
    post(341, minutes=5)

    assert [line[:11] for line in lines(client)] == ["12/10 11:18", "12/10 11:13"]


def test_a_score_that_beats_its_groups_earlier_ones_is_marked_best(client, post, stranger, other_group):
    post(340)
    post(340, minutes=1)
    post(330, minutes=2)
    post(345, minutes=3, model=FOREST)
    post(300, minutes=4, submitter=stranger, group=other_group)

    assert ["best:" in line for line in lines(client)] == [True, True, False, False, True]


def test_times_are_in_the_quests_time_zone(client, post, quest):
    Quest.objects.filter(pk=quest.pk).update(time_zone="Asia/Tokyo")
    post(340)

    assert lines(client)[0].startswith("12/10 18:13>")


def test_a_gpu_run_names_its_gpu_as_hardware(client, post, worker):
    Hardware.objects.update(gpu_name="RTX A4000")
    submission = post(340)
    submission.attempts.update(device="gpu")

    assert "hw=RTX A4000, " in lines(client)[0]


def test_an_instructors_score_is_not_in_the_feed(client, post, instructor):
    post(360, submitter=instructor, group=None)

    assert lines(client) == []


def test_feed_text_is_plain_text(client, post):
    post(340)

    assert client.get("/feed.txt").headers["Content-Type"] == "text/plain; charset=utf-8"


def test_without_a_quest_there_is_no_feed(client, db):
    assert client.get("/feed.txt").status_code == 404
    assert "No quest has been opened yet" in client.get("/feed/").text


def test_the_page_shows_the_same_lines(client, post):
    post(340)

    text = client.get("/feed/").text

    assert "12/10 11:13" in text
    assert '<strong class="best">best:</strong>' in text
    assert "0.94444" in text


def test_a_groups_name_is_escaped(client, post, group):
    group.name = "<b>ITMAL</b>"
    group.save()
    post(340)

    assert "<b>ITMAL" not in client.get("/feed/").text


def test_the_feed_is_paginated(client, post, monkeypatch):
    monkeypatch.setattr("leaderboard.pages.feed.PAGE", 2)
    for minute in range(3):
        post(340 + minute, minutes=minute)

    assert [line[6:11] for line in lines(client)] == ["11:15", "11:14"]
    assert [line[6:11] for line in lines(client, "?page=2")] == ["11:13"]
    assert 'rel="next"' in client.get("/feed/").text


def test_a_best_score_is_marked_on_later_pages_too(client, post, monkeypatch):
    monkeypatch.setattr("leaderboard.pages.feed.PAGE", 1)
    post(340)
    post(330, minutes=1)

    assert "best:" not in lines(client)[0]
    assert "best:" in lines(client, "?page=2")[0]


def test_a_poll_of_the_feed_gets_new_lines(client, post, quest):
    post(340)
    etag = queries.snapshot(quest).etag

    assert client.get(f"/feed/?seen={etag}").status_code == 204
    post(341, minutes=1)
    response = client.get(f"/feed/?seen={etag}")
    assert response.text.strip().startswith("<section")
    assert "11:14" in response.text


def test_everyone_may_read_the_feed(client, owner_client, stranger_client, instructor_client, post):
    post(340)

    for anyone in (client, owner_client, stranger_client, instructor_client):
        assert "ITMALGrp01" in anyone.get("/feed/").text
