"""`manage.py demo` and `manage.py invite_instructor`, which prepare the service at its first start."""

import io
import stat

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from knox.crypto import hash_token

from submissions.models import ApiToken, Group, Membership, Quest, QuestState, User


@pytest.fixture(autouse=True)
def home(settings, tmp_path, db):
    settings.QUEST_HOME = tmp_path / "home"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return settings.QUEST_HOME


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def logins(text: str) -> dict[str, list[str]]:
    rows = [line.split() for line in text.splitlines() if "quest_" in line]
    return {row[0]: row[1:] for row in rows}


def test_the_demo_has_five_groups_of_one_and_an_open_quest_on_all_of_mnist():
    run("demo")

    quest = Quest.objects.get(name="MNIST Search Quest")
    assert (quest.dataset, quest.private_share, quest.state) == ("mnist", 0.0, QuestState.OPEN)
    assert quest.is_open
    assert [group.name for group in Group.objects.all()] == [f"ITMALGrp0{number}" for number in range(1, 6)]
    assert [group.members.count() for group in Group.objects.all()] == [1] * 5
    assert User.objects.get(username="instructor").is_staff


def test_the_printed_logins_log_in():
    printed = logins(run("demo"))

    assert set(printed) == {f"itmalgrp0{number}" for number in range(1, 6)} | {"instructor"}
    for username, (password, *_) in printed.items():
        assert authenticate(RequestFactory().post("/login/"), username=username, password=password) is not None


def test_the_printed_token_acts_for_its_group():
    *_, secret = logins(run("demo"))["itmalgrp03"]

    token = ApiToken.objects.get(digest=hash_token(secret))
    assert token.group.name == "ITMALGrp03"


def test_the_logins_file_is_readable_by_its_owner_only(home):
    home.mkdir()
    (home / "demo-logins.txt").write_text("of a database that is gone\n")
    (home / "demo-logins.txt").chmod(0o644)

    printed = run("demo")

    kept = home / "demo-logins.txt"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert logins(kept.read_text()) == logins(printed)
    assert "gone" not in kept.read_text()


def test_a_second_run_changes_nothing_and_says_where_the_logins_are(home):
    run("demo")
    before = (home / "demo-logins.txt").read_text(), list(User.objects.values_list("username", "password"))

    printed = run("demo")

    assert printed == f"Demo logins: {home / 'demo-logins.txt'}\n"
    assert before == ((home / "demo-logins.txt").read_text(), list(User.objects.values_list("username", "password")))
    assert (Quest.objects.count(), Membership.objects.count()) == (1, 5)


def test_a_second_run_leaves_a_closed_quest_closed():
    run("demo")
    Quest.objects.update(state=QuestState.CLOSED)

    run("demo")

    assert Quest.objects.get().state == QuestState.CLOSED


def test_the_demo_can_use_digits():
    run("demo", "--dataset", "digits")

    assert Quest.objects.get().dataset == "digits"


def test_the_first_instructor_is_invited_by_a_link():
    printed = run("invite_instructor", "--base-url", "https://quest.example")

    user = User.objects.get()
    assert (user.username, user.is_staff, user.has_usable_password()) == ("instructor", True, False)
    assert "https://quest.example/welcome/" in printed


def test_an_instructor_who_missed_the_link_gets_another():
    run("invite_instructor")

    assert "/welcome/" in run("invite_instructor")
    assert User.objects.count() == 1


def test_once_an_instructor_can_log_in_nobody_else_is_invited_automatically():
    run("demo")

    assert "There is already an instructor, instructor" in run("invite_instructor")
    assert "/welcome/" in run("invite_instructor", "--username", "second")
    assert User.objects.filter(is_staff=True).count() == 2


def test_a_student_is_not_made_an_instructor():
    run("demo")

    with pytest.raises(CommandError, match="student's login"):
        run("invite_instructor", "--username", "itmalgrp01")
    assert not User.objects.get(username="itmalgrp01").is_staff


def test_an_invalid_username_is_refused():
    with pytest.raises(CommandError, match="Enter a valid username"):
        run("invite_instructor", "--username", "no spaces, please")
