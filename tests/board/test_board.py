"""The board: ranks, costs, filters, sorting, and live updates."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from leaderboard.ranking import queries
from submissions.models import Attempt, Hardware, ModelsShown, Quest, QuestState, Submission
from tests.cast import FLAT_NET, FOREST, KNN, claim_one


@pytest.fixture
def scored(submit, score, stranger, other_group):
    """The owner's group with 340 and 350 of 360, the stranger's with 345, submitted in this order."""
    return [
        score(submit(), 340, ago=timedelta(hours=3)),
        score(submit(FOREST), 350, ago=timedelta(hours=2), train_s=185.2),
        score(submit(submitter=stranger, group=other_group), 345, ago=timedelta(hours=1), train_s=0.52),
    ]


def ranking(rows) -> list[tuple[int, str, int]]:
    return [(row.rank, row.group.name, row.correct) for row in rows]


def test_an_empty_board_says_how_to_submit(client, quest):
    response = client.get("/")

    assert "No scores yet" in response.text
    assert 'href="/submit/"' in response.text


def test_before_any_quest_is_open_the_board_says_so(client, course):
    Quest.objects.create(course=course, name="Secret plan")

    response = client.get("/")

    assert "No quest has been opened yet" in response.text
    assert "Secret plan" not in response.text


def test_the_board_shows_each_groups_best(quest, scored):
    assert ranking(queries.board(quest)) == [(1, "ITMALGrp01", 350), (2, "ITMALGrp02", 345)]


def test_the_board_shows_every_submission_when_asked(quest, scored):
    rows = ranking(queries.board(quest, best=False))

    assert rows == [(1, "ITMALGrp01", 350), (2, "ITMALGrp02", 345), (3, "ITMALGrp01", 340)]


def test_equal_scores_share_a_rank_and_the_earlier_one_is_listed_first(quest, scored, submit, score):
    score(submit(), 345, ago=timedelta(hours=4))

    rows = list(queries.board(quest, best=False))

    assert [row.rank for row in rows] == [1, 2, 2, 4]
    assert rows[1].ranked_at < rows[2].ranked_at


def test_of_a_groups_equal_scores_the_board_shows_the_earliest(quest, submit, score):
    first = score(submit(), 350, ago=timedelta(hours=2))
    score(submit(FOREST), 350, ago=timedelta(hours=1))

    assert [row.pk for row in queries.board(quest)] == [first.pk]


def test_a_row_shows_score_model_cost_and_hardware(client, scored):
    text = client.get("/").text

    assert "0.97222" in text
    assert "RandomForestClassifier(<wbr>n_estimators=20)" in text
    assert "3 min 05 s" in text
    assert "AMD EPYC 9B14, 2 cores" in text
    assert "scikit-learn 1.9.1" in text


def test_a_network_shows_its_parameters(client, submit, score):
    score(submit(FLAT_NET, device="cpu"), 350)

    assert ">650</td>" in client.get("/").text


def test_a_model_without_parameters_shows_none(client, submission, score):
    score(submission, 350)

    assert not re.search(r">\s*None\s*<", client.get("/").text)


def test_an_instructors_submission_is_out_of_competition(client, quest, submit, score, instructor):
    score(submit(submitter=instructor, group=None), 360)

    assert not queries.board(quest).exists()
    assert "No scores yet" in client.get("/").text


def test_the_board_counts_running_and_waiting_submissions(client, submit, worker):
    submit()
    submit(FOREST)
    claim_one(worker)

    assert "1 running, 1 waiting" in client.get("/").text


def test_a_filtered_board_ranks_only_the_rows_it_shows(client, quest, scored):
    assert ranking(queries.board(quest, family="knn")) == [(1, "ITMALGrp02", 345), (2, "ITMALGrp01", 340)]
    assert "RandomForestClassifier" not in client.get("/?family=knn").text


def test_the_board_can_be_filtered_by_hardware(client, quest, scored, worker):
    other = Hardware.objects.create(
        key="b" * 16, cpu_model="Xeon", cores=24, ram_bytes=1 << 36, os="Debian", gpu_name="RTX A4000"
    )
    Attempt.objects.filter(submission=scored[0]).update(hardware=other, device="gpu")

    assert [machine.label for machine in queries.hardware_choices(quest)] == ["AMD EPYC 9B14, 2 cores", "RTX A4000"]
    assert ranking(queries.board(quest, hardware=other.pk)) == [(1, "ITMALGrp01", 340)]
    assert "ITMALGrp02" not in client.get(f"/?hardware={other.pk}-gpu").text
    assert "No scores match" in client.get(f"/?hardware={other.pk}-gpu&family=forest").text


def test_the_board_can_be_sorted_by_training_time(quest, scored):
    assert [row.correct for row in queries.board(quest, best=False, sort="train")] == [345, 340, 350]
    assert [row.correct for row in queries.board(quest, best=False, sort="-train")] == [350, 340, 345]


def test_unknown_times_are_sorted_last_in_both_directions(quest, scored):
    Attempt.objects.filter(submission=scored[2]).update(train_s=None)

    for sort in ("train", "-train"):
        assert list(queries.board(quest, sort=sort))[-1].correct == 345


def test_clicking_a_heading_again_reverses_the_order(client, quest, scored):
    plain, sorted_once = client.get("/").text, client.get("/?sort=train").text

    assert f'href="?quest={quest.pk}&amp;sort=train"' in plain
    assert f'href="?quest={quest.pk}&amp;sort=-train"' in sorted_once
    assert 'aria-sort="ascending"' in sorted_once


@pytest.mark.parametrize(
    "query",
    ["family=sponge", "hardware=0", "hardware=x-cpu", "sort=--train", "sort=spec", "quest=", "page=x"],
)
def test_an_invalid_filter_is_ignored(client, scored, query):
    response = client.get(f"/?{query}")

    assert response.status_code == 200
    assert "ITMALGrp01" in response.text


def test_a_poll_gets_204_while_nothing_has_changed(client, quest, scored):
    etag = queries.snapshot(quest).etag

    assert client.get(f"/?seen={etag}").status_code == 204


def test_a_poll_gets_only_the_live_part_once_something_has_changed(client, quest, scored, submit):
    etag = queries.snapshot(quest).etag
    submit()

    response = client.get(f"/?seen={etag}&show=all&sort=train")

    assert response.text.strip().startswith("<section")
    assert "<html" not in response.text
    assert "0 running, 1 waiting" in response.text
    assert "show=all&amp;sort=train" in response.text


@pytest.mark.parametrize(
    "change",
    [{"state": QuestState.CLOSED}, {"announcement": "Pizza"}, {"closes_at": timezone.now() + timedelta(days=1)}],
)
def test_a_poll_notices_changes_to_the_quest(client, quest, scored, change):
    etag = queries.snapshot(quest).etag
    Quest.objects.filter(pk=quest.pk).update(**change)

    assert client.get(f"/?seen={etag}").status_code == 200


def test_the_snapshot_changes_when_the_deadline_passes(quest):
    quest.closes_at = timezone.now() + timedelta(minutes=1)
    before = queries.snapshot(quest)
    quest.closes_at -= timedelta(minutes=2)

    assert (before.phase, queries.snapshot(quest).phase) == ("open", "over")


def test_the_deadline_is_shown_in_the_quests_time_zone(client, quest):
    at = timezone.now().replace(year=2099, month=1, day=5, hour=22, minute=30)
    Quest.objects.filter(pk=quest.pk).update(closes_at=at, time_zone="Asia/Tokyo")

    assert "closes 6 January, 07:30" in client.get("/").text


def test_an_announcement_is_escaped_and_its_links_work(client, quest):
    Quest.objects.filter(pk=quest.pk).update(announcement="<script>alert(1)</script> see https://example.org")

    text = client.get("/").text

    assert "<script>alert" not in text
    assert 'href="https://example.org"' in text


def test_the_open_quest_is_shown_first_and_others_can_be_chosen(client, course, quest):
    later = Quest.objects.create(course=course, name="Closed later", state=QuestState.CLOSED)

    assert "<h1>Digits quest</h1>" in client.get("/").text
    assert "<h1>Closed later</h1>" in client.get(f"/?quest={later.pk}").text


QUEST_PAGES = ("/", "/?wall=feed", "/feed/", "/feed.txt", "/charts/", "/charts/cost.csv", "/submit/")


def get_for_quest(client, address: str, quest: object):
    return client.get(f"{address}{'&' if '?' in address else '?'}quest={quest}")


@pytest.mark.parametrize("quest_id", ["99", "²", "9" * 30, "-1", "Digits quest"])
def test_an_unknown_quest_is_not_found_on_any_page(client, owner_client, quest, quest_id):
    for address in QUEST_PAGES:
        assert get_for_quest(owner_client, address, quest_id).status_code == 404, address

    not_found = get_for_quest(client, "/", quest_id)
    assert "the quest may not be open yet" in not_found.text
    assert 'href="/">Go to the board' in not_found.text


def test_only_instructors_can_open_a_draft_by_its_number(client, owner_client, instructor_client, course, quest):
    draft = Quest.objects.create(course=course, name="Secret plan", dataset="digits")

    for address in QUEST_PAGES:
        assert get_for_quest(owner_client, address, draft.pk).status_code == 404, address
    assert get_for_quest(client, "/", draft.pk).status_code == 404
    for address in ("/", "/feed/", "/charts/", "/submit/", "/desk/ranking/"):
        assert "Secret plan" in get_for_quest(instructor_client, address, draft.pk).text, address
    assert get_for_quest(instructor_client, "/?wall", draft.pk).status_code == 404, "a wall is for everybody"


def test_the_api_refuses_unknown_quests_and_drafts(client, course, quest):
    draft = Quest.objects.create(course=course, name="Secret plan")

    for quest_id in (99, draft.pk):
        for address in ("/api/v1/leaderboard/", "/api/v1/feed/"):
            response = get_for_quest(client, address, quest_id)
            assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "quest")


class TestPrivateShare:
    @pytest.fixture
    def quest(self, quest):
        Quest.objects.filter(pk=quest.pk).update(private_share=0.5)
        quest.refresh_from_db()
        return quest

    @pytest.fixture
    def scored(self, submit, score, stranger, other_group):
        score(submit(), 170, total=180, private=(150, 180))
        score(submit(submitter=stranger, group=other_group), 160, total=180, private=(175, 180))

    def test_the_public_score_ranks_until_the_reveal(self, client, quest, scored):
        text = client.get("/").text

        assert [row.owner_name for row in queries.board(quest)] == ["ITMALGrp01", "ITMALGrp02"]
        assert "0.94444" in text
        assert "0.97222" not in text

    def test_the_private_score_ranks_after_the_reveal(self, client, quest, scored):
        Quest.objects.filter(pk=quest.pk).update(state=QuestState.REVEALED)
        quest.refresh_from_db()

        rows = list(queries.board(quest))

        assert [(row.owner_name, f"{row.ranked_score:.5f}") for row in rows] == [
            ("ITMALGrp02", "0.97222"),
            ("ITMALGrp01", "0.83333"),
        ]
        assert "Final score" in client.get("/").text


def test_the_readers_own_group_is_marked(client, owner_client, stranger_client, scored):
    text = owner_client.get("/").text

    assert text.count("your group") == 1
    assert f'id="place-{scored[1].pk}" class="own"' in " ".join(text.split())
    assert "your group" not in client.get("/").text


@pytest.mark.parametrize(("shown", "linked"), [(ModelsShown.ALWAYS, True), (ModelsShown.AFTER_CLOSING, False)])
def test_a_score_is_linked_only_for_readers_who_may_open_it(
    client, owner_client, stranger_client, instructor_client, quest, scored, shown, linked
):
    Quest.objects.filter(pk=quest.pk).update(models_shown=shown)
    best = f'href="/submissions/{scored[1].pk}/"'

    assert best in owner_client.get("/").text
    assert best in instructor_client.get("/").text
    assert (best in stranger_client.get("/").text) == linked
    assert best not in client.get("/").text


def test_the_number_of_queries_does_not_grow_with_the_rows(client, scored, submit, score, django_assert_num_queries):
    with django_assert_num_queries(7):
        client.get("/?show=all")
    for correct in range(300, 306):
        score(submit(KNN), correct)
    with django_assert_num_queries(7):
        client.get("/?show=all")


def test_a_poll_without_changes_takes_few_queries(client, quest, scored, django_assert_max_num_queries):
    etag = queries.snapshot(quest).etag

    with django_assert_max_num_queries(4):
        client.get(f"/?seen={etag}")


def test_a_long_board_is_paginated(client, quest, scored, monkeypatch):
    monkeypatch.setattr("leaderboard.pages.board.PAGE", 2)

    first, second = client.get("/?show=all").text, client.get("/?show=all&page=2").text

    assert 'rel="next"' in first
    assert f"place-{scored[0].pk}" not in first
    assert f"place-{scored[0].pk}" in second
    assert "page=2&amp;seen=" in second


def test_a_quest_of_the_readers_own_course_is_shown_first(stranger_client, quest, course, stranger):
    other = type(course).objects.create(name="Another course")
    Quest.objects.create(course=other, name="Newer quest", state=QuestState.OPEN)

    assert "<h1>Digits quest</h1>" in stranger_client.get("/").text


def test_submissions_of_another_quest_do_not_count(quest, scored, course):
    other = Quest.objects.create(course=course, name="Other", state=QuestState.OPEN)

    assert not queries.board(other).exists()
    assert Submission.objects.filter(quest=quest).count() == queries.snapshot(quest).scored
