"""The parts of a quest that a reader may see: groups' models, their names, and results up to a time."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from submissions.models import Extension, Group, ModelsShown, Quest, QuestState, Submission
from submissions.quests import pseudonyms
from submissions.quests.visibility import visibility_for
from tests.cast import change


def shows(submission: Submission, user) -> bool:
    return visibility_for(Quest.objects.get(pk=submission.quest_id), user).shows_model(submission)


@pytest.fixture
def hidden(quest) -> Quest:
    return change(quest, models_shown=ModelsShown.AFTER_CLOSING)


def test_models_are_shown_to_anybody_unless_the_quest_hides_them(submission, stranger):
    assert shows(submission, None)
    assert shows(submission, stranger)


def test_hidden_models_are_seen_by_their_own_group_and_instructors_alone(
    hidden, submission, owner, colleague, stranger, instructor
):
    seen = {user: shows(submission, user) for user in (None, AnonymousUser(), owner, colleague, stranger, instructor)}

    assert seen == {
        None: False,
        AnonymousUser(): False,
        owner: True,
        colleague: True,
        stranger: False,
        instructor: True,
    }


def test_models_are_shown_from_the_date_that_the_quest_says(quest, submission):
    soon = timezone.now() + timedelta(hours=1)
    change(quest, models_shown=ModelsShown.FROM, models_shown_from=soon)
    assert not shows(submission, None)

    change(quest, models_shown_from=timezone.now())

    assert shows(submission, None)


@pytest.mark.parametrize("state", [QuestState.CLOSED, QuestState.REVEALED, QuestState.ARCHIVED])
def test_models_hidden_until_closing_are_shown_once_it_is_closed(hidden, submission, state):
    change(hidden, state=state)

    assert shows(submission, None)


def test_models_stay_hidden_while_one_group_still_has_time(hidden, submission, other_group):
    now = timezone.now()
    change(hidden, closes_at=now - timedelta(minutes=1))
    assert shows(submission, None)

    Extension.objects.create(quest=hidden, group=other_group, closes_at=now + timedelta(hours=1), reason="Ill.")

    assert not shows(submission, None)


def test_groups_have_their_names_unless_the_quest_hides_them(quest, group, stranger):
    assert visibility_for(quest, stranger).name(group) == group.name
    assert visibility_for(quest, stranger).name(None) == "instructors"


def test_a_hidden_name_is_known_to_its_own_group_and_instructors_alone(quest, group, owner, stranger, instructor):
    change(quest, pseudonyms=True)
    seen = {user: visibility_for(quest, user).name(group) for user in (None, owner, stranger, instructor)}

    assert seen[owner] == seen[instructor] == group.name
    assert seen[None] == seen[stranger] == Group.objects.get(pk=group.pk).pseudonym
    assert group.name not in seen[None]


def test_a_pseudonym_is_drawn_once(group):
    drawn = pseudonyms.pseudonym_of(group)
    stale = Group(pk=group.pk, course=group.course, name=group.name)

    assert pseudonyms.pseudonym_of(stale) == drawn


def test_no_two_groups_of_a_course_get_the_same_pseudonym_nor_another_groups_name(course, monkeypatch):
    monkeypatch.setattr(pseudonyms, "ADJECTIVES", "Amber Jade")
    monkeypatch.setattr(pseudonyms, "ANIMALS", "Heron Otter")
    groups = [Group.objects.create(course=course, name=name) for name in ("Jade Otter", "2", "3", "4", "5", "6")]

    drawn = {pseudonyms.pseudonym_of(group) for group in groups}

    assert len(drawn) == len(groups)
    assert "Jade Otter" not in drawn


def test_a_frozen_board_stands_still_for_everybody_but_instructors(quest, owner, instructor):
    at = timezone.now()
    change(quest, frozen_at=at)

    assert visibility_for(quest, None).as_of == visibility_for(quest, owner).as_of == at
    assert visibility_for(quest, instructor).as_of is None


def test_the_reveal_ends_the_freeze(quest):
    change(quest, frozen_at=timezone.now(), state=QuestState.REVEALED)

    assert visibility_for(quest, None).as_of is None


def test_readers_who_see_the_same_have_the_same_version(quest, owner, colleague, stranger):
    versions = [visibility_for(quest, user).version for user in (owner, colleague, stranger, None)]

    assert versions[0] == versions[1]
    assert versions[1] != versions[2] != versions[3]


def test_a_class_of_five_hundred_gets_its_pseudonyms_in_one_go(quest, django_assert_max_num_queries):
    change(quest, pseudonyms=True)
    Group.objects.bulk_create(Group(course=quest.course, name=f"ITMALGrp{number:03}") for number in range(500))

    with django_assert_max_num_queries(12):
        seen = visibility_for(quest, None)
        names = {seen.name(group) for group in Group.objects.filter(course=quest.course)}

    assert len(names) == 500
