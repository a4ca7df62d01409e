"""Quests and courses at the desk: created, edited, opened, closed, revealed, archived."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from submissions.models import Course, Quest, QuestState

FORM = {
    "name": "Autumn quest",
    "announcement": "",
    "dataset": "mnist",
    "private_share": "0.3",
    "split_seed": "7",
    "time_zone": "Europe/Copenhagen",
    "opens_at": "",
    "closes_at": "2026-10-12T23:59:59",
    "daily_quota": "20",
    "min_interval_seconds": "0",
    "group_limit": "2",
    "models_shown": "always",
    "final_runs": "1",
    "engine_policy": "accelerated",
    "run_seconds": "3600",
    "memory_mb": "8192",
    "max_epochs": "30",
    "max_parameters": "",
    "max_trees": "",
}


def form_of(quest: Quest, **changes: str) -> dict[str, str]:
    """The data that the page posts for this quest, with some fields changed."""
    shown = {name: getattr(quest, name) for name in FORM} | {"opens_at": "", "closes_at": ""}
    return {name: "" if value is None else str(value) for name, value in (shown | changes).items()}


def reload(quest: Quest) -> Quest:
    return Quest.objects.get(pk=quest.pk)


def test_a_quest_is_created_as_a_draft_with_times_in_its_own_zone(course, instructor_client):
    response = instructor_client.post("/desk/quests/new/", FORM | {"course": course.pk}, follow=True)

    assert response.status_code == 200
    quest = Quest.objects.get(name="Autumn quest")
    assert (quest.state, quest.private_share, quest.max_epochs) == (QuestState.DRAFT, 0.3, 30)
    assert quest.closes_at == datetime(2026, 10, 12, 21, 59, 59, tzinfo=UTC)
    assert 'value="2026-10-12T23:59:59"' in response.content.decode(), "shown as it was typed"


def test_the_deadline_is_read_in_the_quests_time_zone(course, instructor_client):
    instructor_client.post("/desk/quests/new/", FORM | {"course": course.pk, "time_zone": "America/New_York"})

    assert Quest.objects.get().closes_at == datetime(2026, 10, 13, 3, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("time_zone", "Mars/Olympus", "is not a time zone"),
        ("private_share", "0.95", "less than or equal to 0.9"),
        ("opens_at", "2027-01-01T00:00", "A quest opens before it closes."),
        ("closes_at", "2026-03-29T02:30", "interpreted in time zone Europe/Copenhagen"),
        ("group_limit", "0", "greater than or equal to 1"),
        ("name", "", "required"),
        ("name", "Digits quest", "already exists"),
    ],
)
def test_an_invalid_value_is_refused_beside_its_field(quest, course, instructor_client, field, value, words):
    response = instructor_client.post("/desk/quests/new/", FORM | {"course": course.pk, field: value})

    assert response.status_code == 200
    assert words in response.content.decode()
    assert Quest.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "changes"),
    [("models_shown_from", {"models_shown": "from"}), ("closes_at", {"opens_at": "2027-01-01T00:00"})],
)
def test_a_conflict_of_two_fields_is_reported_beside_the_one_to_correct(course, instructor_client, field, changes):
    response = instructor_client.post("/desk/quests/new/", FORM | {"course": course.pk, **changes})

    assert list(response.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in response.text


def test_editing_saves_the_fields_and_keeps_the_state(quest, instructor_client):
    instructor_client.post(f"/desk/quests/{quest.pk}/", form_of(quest, daily_quota="", announcement="Well done!"))

    changed = reload(quest)
    assert (changed.daily_quota, changed.announcement, changed.state) == (None, "Well done!", QuestState.OPEN)


def test_data_set_and_split_are_locked_after_the_first_submission(submission, quest, instructor_client):
    page = instructor_client.get(f"/desk/quests/{quest.pk}/").content.decode()
    assert page.count("Locked: this quest has submissions.") == 3

    form = form_of(quest, name="Renamed")
    for name in ("dataset", "private_share", "split_seed"):
        del form[name]  # as a browser does with fields that are disabled
    instructor_client.post(f"/desk/quests/{quest.pk}/", form)

    assert (reload(quest).name, reload(quest).dataset) == ("Renamed", "digits")


def test_a_form_from_before_the_first_submission_cannot_change_the_data_set(submission, quest, instructor_client):
    response = instructor_client.post(f"/desk/quests/{quest.pk}/", form_of(quest, dataset="mnist", name="Renamed"))

    assert "Locked: this quest has submissions." in response.content.decode()
    assert (reload(quest).name, reload(quest).dataset) == ("Digits quest", "digits")


def test_a_quest_is_opened_closed_reopened_revealed_and_archived(course, instructor_client):
    quest = Quest.objects.create(course=course, name="Round", dataset="digits")

    for state in ("open", "closed", "open", "closed", "revealed", "archived"):
        page = instructor_client.post(f"/desk/quests/{quest.pk}/move/", {"to": state}, follow=True)
        assert reload(quest).state == state
        assert f"Round is now {state}." in page.content.decode()


def test_a_move_that_is_not_allowed_is_refused_with_a_message(quest, instructor_client):
    page = instructor_client.post(f"/desk/quests/{quest.pk}/move/", {"to": "archived"}, follow=True)

    assert "A quest that is open cannot become archived." in page.content.decode()
    assert reload(quest).state == QuestState.OPEN
    assert instructor_client.post(f"/desk/quests/{quest.pk}/move/", {"to": "gone"}).status_code == 404


def test_a_quest_is_not_revealed_while_submissions_are_queued(submission, quest, instructor_client):
    Quest.objects.update(state=QuestState.CLOSED)

    page = instructor_client.post(f"/desk/quests/{quest.pk}/move/", {"to": "revealed"}, follow=True)

    assert "the reveal waits for them" in page.content.decode()
    assert reload(quest).state == QuestState.CLOSED


def test_opening_a_quest_after_its_deadline_says_that_it_has_closed(course, instructor_client):
    quest = Quest.objects.create(course=course, name="Late", closes_at=timezone.now() - timedelta(days=1))

    page = instructor_client.post(f"/desk/quests/{quest.pk}/move/", {"to": "open"}, follow=True)

    assert "Late closed " in page.content.decode()


def test_the_list_of_quests_counts_submissions_and_groups(submission, quest, instructor_client):
    (shown,) = instructor_client.get("/desk/quests/").context["quests"]

    assert (shown.submitted, shown.waiting, shown.teams) == (1, 1, 1)


def test_the_first_quest_needs_a_course(instructor_client):
    response = instructor_client.get("/desk/quests/new/", follow=True)

    assert "Create a course first" in response.content.decode()


def test_a_new_term_is_a_course_of_its_own(course, instructor_client):
    instructor_client.post("/desk/courses/", {"name": "Machine learning", "term": "spring 2027"})
    twice = instructor_client.post("/desk/courses/", {"name": "Machine learning", "term": "spring 2027"})

    assert "already exists" in twice.content.decode()
    assert [str(one) for one in Course.objects.all()] == [
        "Machine learning spring 2027",
        "Machine learning autumn 2026",
    ]


def test_an_archived_course_is_read_only_until_it_is_restored(course, quest, instructor_client):
    instructor_client.post(f"/desk/courses/{course.pk}/archive/", {"archived": "1"})
    instructor_client.post(f"/desk/quests/{quest.pk}/move/", {"to": "closed"})
    page = instructor_client.post(f"/desk/quests/{quest.pk}/", form_of(quest, name="Renamed"), follow=True)

    assert "is archived and read-only" in page.content.decode()
    assert (reload(quest).state, reload(quest).name) == (QuestState.OPEN, "Digits quest")

    instructor_client.post(f"/desk/courses/{course.pk}/archive/", {"archived": "0"})
    assert reload(quest).is_open
