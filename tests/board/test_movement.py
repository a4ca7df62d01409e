"""Movements on the board since yesterday, and the uncertainty of a score."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from leaderboard.ranking import movement, queries
from submissions.models import Group, Quest, QuestState, Submission
from submissions.quests.visibility import visibility_for
from tests.cast import FOREST, person

pytestmark = pytest.mark.slow


@pytest.fixture
def today(quest) -> datetime:
    return visibility_for(quest, None).today


@pytest.fixture
def scored(submit, score, stranger, other_group, today):
    """Yesterday the owner's group led; today the stranger's has overtaken it, and a third group is new."""
    third = Group.objects.create(course=other_group.course, name="ITMALGrp03")
    owner_group = score(submit(), 340)
    behind = score(submit(submitter=stranger, group=other_group), 330)
    Submission.objects.filter(pk__in=[owner_group.pk, behind.pk]).update(finished_at=today - timedelta(hours=1))
    score(submit(FOREST, submitter=stranger, group=other_group), 350)
    score(submit(submitter=person("third", third), group=third), 335)


def moved(quest: Quest, **filters) -> list[tuple[str, str, int]]:
    visibility = visibility_for(quest, None)
    rows = list(queries.board(quest, visibility=visibility, **filters))
    found = movement.movements(rows, movement.ranks_before(quest, visibility, **filters))
    return [(row.owner_name, found[row.pk].direction, found[row.pk].places) for row in rows if row.pk in found]


def test_each_group_is_compared_with_its_rank_at_the_start_of_the_day(quest, scored):
    assert moved(quest) == [("ITMALGrp02", "up", 1), ("ITMALGrp01", "down", 1), ("ITMALGrp03", "new", 0)]


def test_movement_compares_filtered_ranks_then_and_now(quest, scored):
    assert moved(quest, family="knn") == [
        ("ITMALGrp01", "same", 0),
        ("ITMALGrp03", "new", 0),
        ("ITMALGrp02", "down", 1),
    ]


def test_on_the_first_day_nobody_has_moved(quest, submission, score):
    score(submission, 340)

    assert moved(quest) == []


def test_groups_with_equal_scores_had_the_same_rank(quest, scored, submit, score, group, today):
    Submission.objects.filter(correct=330).update(correct=340)

    assert moved(quest)[:2] == [("ITMALGrp02", "same", 0), ("ITMALGrp01", "down", 1)]


def test_after_the_reveal_of_a_quest_without_private_images_nobody_moves(quest, scored):
    Quest.objects.update(state=QuestState.REVEALED)
    quest.refresh_from_db()

    assert moved(quest) == []


def test_the_day_begins_in_the_quests_time_zone_even_when_the_clocks_change(quest, monkeypatch):
    quest.time_zone = "Europe/Copenhagen"
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 10, 25, 22, 0, tzinfo=UTC))

    assert visibility_for(quest, None).today == datetime(2026, 10, 24, 22, 0, tzinfo=UTC)


def test_the_snapshot_changes_at_midnight(quest, scored, monkeypatch):
    now = timezone.now()
    before = queries.snapshot(quest).etag
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(days=1))

    assert queries.snapshot(quest).etag != before


def test_movement_is_also_given_in_words(client, scored):
    text = " ".join(client.get("/").text.split())

    assert '<span aria-hidden="true">▲1</span> <span class="visually-hidden">up 1</span>' in text
    assert '<span class="visually-hidden">down 1</span>' in text
    assert "moved-new" in text
    assert "has moved since the start of the day" in text


def test_the_list_of_all_submissions_shows_no_movement(client, scored):
    assert "moved-" not in client.get("/?show=all").text


def test_the_api_gives_the_earlier_rank_and_the_interval(client, scored):
    rows = client.get("/api/v1/leaderboard/").json()["results"]

    assert [(row["rank"], row["rank_before"]) for row in rows] == [(1, 2), (2, 1), (3, None)]
    assert rows[0]["interval"] == {"low": pytest.approx(0.94963, abs=5e-6), "high": pytest.approx(0.98484, abs=5e-6)}
    assert rows[0]["private_interval"] is None


def test_the_board_shows_the_interval(client, scored):
    assert "0.94963–0.98484" in client.get("/").text


def test_after_the_reveal_the_board_shows_the_private_scores_interval(client, quest, submit, score):
    Quest.objects.update(private_share=0.5)
    score(submit(), 170, total=180, private=(175, 180))
    Quest.objects.update(state=QuestState.REVEALED)

    row = client.get("/api/v1/leaderboard/").json()["results"][0]

    shown = f"{row['private_interval']['low']:.5f}–{row['private_interval']['high']:.5f}"
    assert shown in client.get("/").text
    assert row["private_interval"]["low"] > row["interval"]["low"]
