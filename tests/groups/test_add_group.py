"""`manage.py add_group` creates a group with one member and, on request, a token that it prints once."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from submissions.models import ApiToken, Course, Group, User
from tests.cast import KNN

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def add_group(*arguments: str) -> dict[str, str]:
    """Run the command; returns its output as label → value, one for each line."""
    out = StringIO()
    call_command("add_group", *arguments, stdout=out)
    lines = (line.partition(":") for line in out.getvalue().splitlines())
    return {label: value.strip() for label, _, value in lines}


def test_the_printed_member_can_log_in_and_is_in_the_group(course):
    shown = add_group("ITMALGrp09")

    assert set(shown) == {"Group", "Username", "Password"}
    assert shown["Group"] == "ITMALGrp09 in Machine learning autumn 2026"
    user = User.objects.get(username=shown["Username"])
    assert user.check_password(shown["Password"])
    assert user.group_in(course) == Group.objects.get(name="ITMALGrp09")
    assert not ApiToken.objects.exists()


def test_the_token_submits_for_the_group(quest):
    shown = add_group("ITMALGrp09", "--token")
    api = Client(headers={"Authorization": f"Token {shown['Token']}"})

    response = api.post("/api/v1/submissions/", json.dumps({"model": KNN}), content_type="application/json")

    assert (response.status_code, response.json()["group"]) == (201, "ITMALGrp09")


def test_a_username_that_is_taken_gets_a_number(course):
    User.objects.create_user("ITMALGrp09")
    User.objects.create_user("itmalgrp09-2")

    assert add_group("ITMALGrp09")["Username"] == "itmalgrp09-3"


def test_a_group_name_with_spaces_gives_a_username_without_spaces(course):
    assert add_group("Gruppe Æ / 7")["Username"] == "gruppe-æ-7"
    assert add_group("★")["Username"] == "member"


def test_without_a_current_course_the_command_says_where_to_create_one(course):
    Course.objects.update(archived=True)

    with pytest.raises(CommandError, match="There is no current course: create one at the instructors' desk"):
        add_group("ITMALGrp09")


def test_with_several_current_courses_the_course_must_be_named(course):
    Course.objects.create(name="Statistics", term="autumn 2026")

    with pytest.raises(CommandError, match='--course: "Statistics autumn 2026", "Machine learning autumn 2026"'):
        add_group("ITMALGrp09")
    with pytest.raises(CommandError, match='There is no current course "Physics"'):
        add_group("ITMALGrp09", "--course", "Physics")

    assert add_group("ITMALGrp09", "--course", "Statistics")["Group"].endswith("Statistics autumn 2026")


@pytest.mark.parametrize("name", ["ITMALGrp01", "itmalgrp01"])
def test_an_existing_group_is_not_changed(group, name):
    with pytest.raises(CommandError, match="has a group"):
        add_group(name)

    assert (Group.objects.count(), User.objects.count()) == (1, 0)


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_an_invalid_group_name_is_refused(course, name):
    with pytest.raises(CommandError, match="This cannot be a group's name"):
        add_group(name)

    assert not User.objects.exists()
