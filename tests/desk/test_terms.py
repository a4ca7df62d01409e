"""New terms, announcements, previews of drafts, and the desk's history."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from leaderboard.desk.term_form import TermForm
from submissions.models import Course, DeskEvent, Quest, QuestState
from submissions.quests.terms import start_term
from tests.desk.test_quests import form_of

pytestmark = pytest.mark.slow


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture
def last_year(quest):
    Quest.objects.filter(pk=quest.pk).update(
        opens_at=datetime(2026, 9, 1, 6, tzinfo=UTC),
        closes_at=datetime(2026, 10, 12, 21, 59, 59, tzinfo=UTC),
        daily_quota=7,
        private_share=0.4,
        pseudonyms=True,
        announcement="Well done!",
        announced_at=timezone.now(),
        frozen_at=timezone.now(),
    )
    return Quest.objects.get(pk=quest.pk)


def test_a_new_term_copies_the_quests_as_drafts_without_groups(last_year, group, course, instructor):
    new = start_term(course, term="autumn 2027", weeks=52, user=instructor)

    [draft] = new.quests.all()
    assert (draft.name, draft.state, draft.daily_quota, draft.private_share) == ("Digits quest", "draft", 7, 0.4)
    assert draft.pseudonyms
    assert draft.split_seed != last_year.split_seed, "last year's private images may be known"
    assert (draft.announcement, draft.announced_at, draft.frozen_at) == ("", None, None)
    assert not new.groups.exists()
    assert Quest.objects.get(pk=last_year.pk).state == QuestState.OPEN, "the last term goes on as it was"
    assert group.course == course


def test_copied_times_keep_weekday_and_time_of_day_across_a_clock_change(last_year, course, instructor):
    draft = start_term(course, term="spring 2027", weeks=20, user=instructor).quests.get()

    assert draft.closes_at == datetime(2027, 3, 1, 22, 59, 59, tzinfo=UTC), "23:59:59 in Copenhagen, now in winter"
    assert draft.closes_at.weekday() == last_year.closes_at.weekday() == 0


def test_an_instructor_starts_a_term_at_the_desk(last_year, course, instructor_client):
    address = f"/desk/courses/{course.pk}/term/"
    assert "Digits quest" in text_of(instructor_client.get(address))

    page = instructor_client.post(address, {"term": "autumn 2027", "weeks": "52"}, follow=True)

    assert "Machine learning autumn 2027 created" in text_of(page)
    assert Course.objects.filter(term="autumn 2027", archived=False).exists()


def test_an_invalid_term_is_refused(course):
    for term, weeks, words in (
        ("autumn 2026", "52", "already exists"),
        ("", "52", "required"),
        ("x", "-1", "greater than or equal to 0"),
        ("x", "9999", "less than or equal to 520"),
    ):
        assert words in str(TermForm({"term": term, "weeks": weeks}, course=course).errors)


def test_the_board_shows_an_announcement_with_its_time(quest, instructor_client, client):
    page = instructor_client.post(
        f"/desk/quests/{quest.pk}/announce/", {"announcement": " The lecture is moved. "}, follow=True
    )
    assert "Posted" in text_of(page)

    quest.refresh_from_db()
    shown = text_of(client.get("/"))
    assert "The lecture is moved." in shown
    assert f"{quest.announced_at.astimezone(quest.zone):%H:%M}</time>" in shown

    instructor_client.post(f"/desk/quests/{quest.pk}/announce/", {"announcement": ""})
    assert "The lecture is moved." not in text_of(client.get("/"))


def test_an_announcement_made_in_the_quests_form_gets_a_time_too(quest, instructor_client):
    instructor_client.post(f"/desk/quests/{quest.pk}/", form_of(quest, announcement="Well done!"))
    posted = Quest.objects.get().announced_at
    assert posted is not None

    instructor_client.post(f"/desk/quests/{quest.pk}/", form_of(Quest.objects.get(), daily_quota="3"))
    assert Quest.objects.get().announced_at == posted, "the first post sets the time"


def test_nothing_is_announced_in_an_archived_course(quest, instructor_client):
    Course.objects.update(archived=True)
    instructor_client.post(f"/desk/quests/{quest.pk}/announce/", {"announcement": "too late"})

    assert Quest.objects.get().announcement == ""


def test_the_preview_of_the_network_form_shows_layers_and_presets(course, instructor_client):
    draft = Quest.objects.create(course=course, name="Secret plan", dataset="mnist")
    address = f"/desk/quests/{draft.pk}/preview/?way=cnn"

    assert re.findall(r'<h3 id="layer-.*?">(\w+)</h3>', instructor_client.get(address).text) == [
        "Input", "Flatten", "Dense",
    ]  # fmt: skip
    with_preset = instructor_client.get(address + "&preset=LeNet-5")
    assert "60,856 trainable and 840 fixed parameters" in with_preset.text
    assert "preset=LeNet-5" in with_preset.text


@pytest.mark.parametrize("way", ["cnn", "nonsense"])
def test_a_draft_is_previewed_as_a_group_will_see_it(course, instructor_client, client, way):
    draft = Quest.objects.create(course=course, name="Secret plan", dataset="mnist", daily_quota=7, max_trees=50)

    page = text_of(instructor_client.get(f"/desk/quests/{draft.pk}/preview/?way={way}"))

    assert '<span class="badge badge-open">open</span>' in page
    assert "You are submitting for your group: 7 of 7 submissions left today." in page
    assert "At most 50 trees." in page
    assert "<fieldset disabled" in page
    assert "Secret plan" not in text_of(client.get("/"))


def test_the_preview_says_when_the_quest_is_not_yet_open(course, instructor_client):
    draft = Quest.objects.create(
        course=course, name="Later", dataset="mnist", opens_at=datetime(2099, 1, 1, tzinfo=UTC)
    )

    assert "not yet open" in text_of(instructor_client.get(f"/desk/quests/{draft.pk}/preview/"))


def test_the_quests_page_says_what_may_still_change(quest, submit, instructor_client):
    address = f"/desk/quests/{quest.pk}/"
    assert "until the first submission" in text_of(instructor_client.get(address))

    submit()
    assert "locked, because there are submissions" in text_of(instructor_client.get(address))

    Quest.objects.update(state=QuestState.REVEALED)
    assert "submissions have ended" in text_of(instructor_client.get(address))


def test_the_desks_history_records_each_action_and_who_took_it(quest, course, owner, instructor_client):
    instructor_client.post(f"/desk/quests/{quest.pk}/", form_of(quest, daily_quota="3"))
    instructor_client.post(f"/desk/quests/{quest.pk}/move/", {"to": "closed"})
    instructor_client.post(f"/desk/quests/{quest.pk}/announce/", {"announcement": "Closed <now>"})
    instructor_client.post(f"/desk/members/{owner.memberships.get().pk}/reset/")
    instructor_client.post(f"/desk/courses/{course.pk}/groups/new/", {"name": "ITMALGrp09"})
    instructor_client.post(f"/desk/courses/{course.pk}/archive/", {"archived": "1"})

    page = text_of(instructor_client.get("/desk/history/"))

    for words in (
        "instructor changed the quest <strong>Digits quest</strong>.",
        "daily_quota: 50 → 3",
        "instructor changed the status of the quest <strong>Digits quest</strong>.",
        "open → closed",
        "Closed &lt;now&gt;",
        "instructor reset the login of <strong>owner</strong>.",
        "instructor created the group <strong>ITMALGrp09</strong>.",
        "instructor archived the course",
    ):
        assert words in page


def test_an_action_without_effect_is_not_recorded(quest, course, instructor_client):
    instructor_client.post(f"/desk/quests/{quest.pk}/", form_of(quest))
    instructor_client.post(f"/desk/quests/{quest.pk}/move/", {"to": "revealed"})
    instructor_client.post(f"/desk/courses/{course.pk}/groups/new/", {"name": ""})

    assert not DeskEvent.objects.exists()
