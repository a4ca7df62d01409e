"""Erasing a course's personal data: who was in it goes, what was achieved stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from leaderboard.ranking import queries
from submissions.groups.erasure import PurgeRefused, purge
from submissions.intake.disqualification import disqualify
from submissions.models import (
    ApiToken,
    Course,
    DeskEvent,
    Extension,
    Group,
    Invitation,
    Membership,
    Quest,
    QuestState,
    Submission,
    User,
)
from tests.cast import client_of

pytestmark = pytest.mark.slow

TRACES = ("Augusta", "Lovelace", "lovelace@", "au123", "owner", "Bernoulli", "flu", "key-1")


def everything() -> str:
    """All that the tables hold, as text."""
    rows: list[str] = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            rows += map(str, cursor.fetchall())
    return "\n".join(rows)


def log_in_as_fails(username: str) -> None:
    """What the lock-out writes down of a wrong password."""
    seen = {"ip_address": "10.0.0.7", "path_info": "/login/", "get_data": "", "post_data": f"username={username}"}
    AccessAttempt.objects.create(username=username, failures_since_start=3, **seen)


def traces() -> list[str]:
    return [trace for trace in TRACES if trace.lower() in everything().lower()]


@pytest.fixture
def term(course, quest, submit, score, owner, owner_token, group, instructor, worker) -> Course:
    """A course that is over, with all that a term leaves of its students."""
    User.objects.filter(pk=owner.pk).update(
        first_name="Augusta", last_name="Lovelace", email="lovelace@example.org", student_number="au123"
    )
    owner.refresh_from_db()
    client_of(owner)
    score(submit(idempotency_key="key-1"), 351)
    again = score(submit(), 340)
    Submission.objects.update(note="Augusta's idea, from Bernoulli")
    disqualify(again, user=instructor, reason="Augusta had the flu")
    Invitation.objects.create(
        group=group, digest="d" * 64, created_by=owner, expires_at=timezone.now() + timedelta(days=1)
    )
    Extension.objects.create(quest=quest, group=group, extra_submissions=1, reason="Augusta has the flu")
    told = "Digits quest: 1 more today. Augusta has the flu"
    DeskEvent.objects.create(
        kind=DeskEvent.Kind.EXTENDED, actor="instructor", subject=group.name, course=course, detail=told
    )
    log_in_as_fails("OWNER")
    DeskEvent.objects.create(kind=DeskEvent.Kind.LOGIN_UNLOCKED, actor="instructor", subject="Owner")
    DeskEvent.objects.create(kind=DeskEvent.Kind.LOGIN_RESET, actor="instructor", person=owner, course=course)
    Quest.objects.update(state=QuestState.ARCHIVED)
    return course


def test_no_trace_of_a_person_is_left_in_any_table(term):
    assert traces() == list(TRACES)

    purge(term)

    assert traces() == []
    assert not Session.objects.exists()
    assert not ApiToken.objects.exists()
    assert not Invitation.objects.exists()


def test_scores_and_times_are_kept(term, quest):
    before = list(queries.board(quest).values_list("correct", "group__name", "headline", "ranked_at"))

    purge(term)

    assert list(queries.board(quest).values_list("correct", "group__name", "headline", "ranked_at")) == before
    assert list(Submission.objects.earliest("pk").events.values_list("kind", flat=True)) == [
        "submitted",
        "claimed",
        "scored",
    ]
    assert Submission.objects.latest("pk").disqualified


def test_nobody_can_log_in_as_a_former_member(term, owner):
    purge(term)

    owner.refresh_from_db()
    assert (owner.username, owner.is_active, owner.has_usable_password()) == (f"former member {owner.pk}", False, False)
    first = Submission.objects.earliest("pk").events.earliest("pk")
    assert (first.actor, first.user) == (owner.username, owner), "the same person under the same neutral name"


def test_a_rehearsal_says_what_would_go_and_leaves_everything(term):
    before = everything()

    would = purge(term, rehearse=True)

    assert everything() == before
    assert would.erased["accounts"] == would.erased["tokens"] == would.erased["sessions"] == 1
    assert purge(term).erased == would.erased


def test_instructors_and_members_of_another_course_keep_their_accounts(term, quest, group, instructor, stranger):
    Membership.objects.filter(user=stranger).delete()
    another = Course.objects.create(name="Another")
    Membership.objects.create(user=stranger, group=Group.objects.create(course=another, name="A"), course=another)
    Membership.objects.create(user=stranger, group=group, course=term)
    Membership.objects.create(user=instructor, group=group, course=term)

    done = purge(term)

    assert (done.erased["accounts"], done.kept) == (1, ["stranger"])
    assert User.objects.filter(username="instructor", is_staff=True).exists()


def test_a_former_member_who_submitted_is_erased_too(term, owner):
    Membership.objects.all().delete()

    purge(term)

    assert traces() == []


def test_group_names_are_erased_only_on_request(term, other_group, group):
    Group.objects.filter(pk=other_group.pk).update(name="Group 1")
    Group.objects.filter(pk=group.pk).update(name="Ada and friends", pseudonym="Amber Heron")
    DeskEvent.objects.create(
        kind=DeskEvent.Kind.GROUP_CREATED, actor="instructor", subject="Ada and friends", course=term
    )
    purge(term)
    assert Group.objects.get(pk=group.pk).name == "Ada and friends"

    DeskEvent.objects.filter(kind=DeskEvent.Kind.EXTENDED).update(subject="Ada and friends")
    purge(term, group_names=True)

    assert sorted(Group.objects.values_list("name", "pseudonym")) == [("Group 1", ""), ("Group 2", "Amber Heron")]
    assert traces() == []


def test_a_second_time_there_is_nothing_left_to_erase_and_no_line_in_the_history(term, instructor_client):
    purge(term)
    assert not purge(term).anything
    assert DeskEvent.objects.filter(kind=DeskEvent.Kind.COURSE_PURGED).count() == 1

    page = " ".join(instructor_client.get("/desk/history/").content.decode().split())
    assert "purge_course erased the personal data of <strong>Machine learning autumn 2026</strong>" in page


def test_a_course_with_open_quests_or_live_submissions_is_not_purged(term, submit):
    Quest.objects.update(state=QuestState.OPEN)
    with pytest.raises(PurgeRefused, match="still open"):
        purge(term)

    submit()
    Quest.objects.update(state=QuestState.CLOSED)
    with pytest.raises(PurgeRefused, match="still queued or running: 1"):
        purge(term)


def test_without_yes_the_command_only_lists_what_it_would_erase(term, capsys):
    call_command("purge_course", "Machine learning autumn 2026")

    told = capsys.readouterr().out
    assert "       1 accounts" in told
    assert "Nothing has been erased" in told
    assert traces() == list(TRACES)


def test_with_yes_it_asks_for_the_name_of_the_course(term, capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda question: "machine learning")
    with pytest.raises(CommandError, match="not the course's name"):
        call_command("purge_course", str(term.pk), "--yes")
    assert traces() == list(TRACES)

    monkeypatch.setattr("builtins.input", lambda question: "Machine learning autumn 2026")
    call_command("purge_course", str(term.pk), "--yes")

    assert "Backups, logs and downloaded files still contain this data" in capsys.readouterr().out
    assert traces() == []


def test_an_unknown_course_is_refused(term):
    with pytest.raises(CommandError, match='"Machine learning autumn 2026"'):
        call_command("purge_course", "Machine learning")
