"""Wherever a time of day stands, its zone is named: the quest's, or of what belongs to none the course's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from submissions.models import ApiToken, Course, Invitation, ModelsShown, Quest
from submissions.quests.quotas import Quota, wait_reason
from submissions.quests.visibility import visibility_for
from tests.cast import FOREST

pytestmark = pytest.mark.slow

EVENING = datetime(2099, 12, 2, 22, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def tokyo(quest) -> Quest:
    Quest.objects.filter(pk=quest.pk).update(time_zone="Asia/Tokyo", closes_at=EVENING)
    quest.refresh_from_db()
    return quest


def text_of(client, address: str) -> str:
    return " ".join(client.get(address).text.split())


@pytest.mark.parametrize("address", ["/", "/feed/", "/charts/", "/?wall", "/?wall=feed"])
def test_the_head_of_a_quest_names_the_zone_with_scores_and_without(client, submission, score, address):
    assert "closes 3 December, 07:30" in text_of(client, address)
    assert "times in Asia/Tokyo" in text_of(client, address)

    score(submission, 350)

    assert "times in Asia/Tokyo" in text_of(client, address)


@pytest.mark.parametrize("more", [False, True])
def test_the_page_of_a_group_names_the_zone_with_one_score_and_with_several(client, submit, score, more):
    score(submit(), 350)
    if more:
        score(submit(FOREST), 340)

    assert "Times are in Asia/Tokyo." in text_of(client, "/groups/ITMALGrp01/")


def test_tokens_and_invitations_show_times_in_the_courses_zone(owner_client, owner, group, course):
    made = datetime(2026, 10, 12, 22, 30, tzinfo=UTC)
    ApiToken.objects.create(user=owner, group=group, name="laptop")
    ApiToken.objects.update(created=made, last_used_at=made)
    owner_client.post(f"/groups/{group.pk}/invitations/")
    Invitation.objects.update(created_at=made)

    text = text_of(owner_client, "/groups/ITMALGrp01/")

    assert text.count(">13/10/2026 07:30</td>") == 3
    assert "Revoke the invitation created 13/10/2026 07:30" in text
    assert text.count("Times are in Asia/Tokyo.") == 2


def test_a_course_without_a_quest_has_the_zone_of_the_server(db, settings):
    assert Course.objects.create(name="New").time_zone == settings.TIME_ZONE


def test_times_of_shown_models_and_of_the_next_submission_name_the_zone(quest):
    quest.models_shown, quest.models_shown_from = ModelsShown.FROM, EVENING

    assert visibility_for(quest, None).models_shown_when == "shown from 03/12 07:30 Asia/Tokyo"
    spent = wait_reason(quest, Quota(limit=1, used=1, left=0, next_at=EVENING))
    assert "You can submit again at 07:30 on 03/12 (Asia/Tokyo)." in spent


def test_a_locked_login_shows_the_servers_zone(owner, course, client, instructor_client, settings):
    for _ in range(10):
        client.post("/login/", {"username": "owner", "password": "wrong"})

    page = text_of(instructor_client, f"/desk/courses/{course.pk}/groups/")

    until = page.partition(", until ")[2].partition("<")[0]
    assert until.endswith(f"({settings.TIME_ZONE})")
