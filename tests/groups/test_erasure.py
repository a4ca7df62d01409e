"""Erasing a course's personal data: names and accounts go, scores and times stay."""

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


def all_rows() -> str:
    """Every row of every table, as text."""
    rows: list[str] = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            rows += map(str, cursor.fetchall())
    return "\n".join(rows)


def record_failed_login(username: str) -> None:
    """Create the row that the lockout writes for a wrong password."""
    request = {"ip_address": "10.0.0.7", "path_info": "/login/", "get_data": "", "post_data": f"username={username}"}
    AccessAttempt.objects.create(username=username, failures_since_start=3, **request)


def traces() -> list[str]:
    return [trace for trace in TRACES if trace.lower() in all_rows().lower()]


@pytest.fixture
def term(course, quest, submit, score, owner, owner_token, group, instructor, worker) -> Course:
    """A finished course, with personal data in every place that a term leaves it."""
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
    detail = "Digits quest: 1 more today. Augusta has the flu"
    DeskEvent.objects.create(
        kind=DeskEvent.Kind.EXTENDED, actor="instructor", subject=group.name, course=course, detail=detail
    )
    record_failed_login("OWNER")
    DeskEvent.objects.create(kind=DeskEvent.Kind.LOGIN_UNLOCKED, actor="instructor", subject="Owner")
    DeskEvent.objects.create(kind=DeskEvent.Kind.LOGIN_RESET, actor="instructor", person=owner, course=course)
    Quest.objects.update(state=QuestState.ARCHIVED)
    return course


def test_a_purge_leaves_no_personal_data_in_any_table(term):
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


def test_a_rehearsal_reports_the_same_counts_and_erases_nothing(term):
    before = all_rows()

    rehearsed = purge(term, rehearse=True)

    assert all_rows() == before
    assert rehearsed.erased["accounts"] == rehearsed.erased["tokens"] == rehearsed.erased["sessions"] == 1
    assert purge(term).erased == rehearsed.erased


def test_instructors_and_members_of_another_course_keep_their_accounts(term, quest, group, instructor, stranger):
    Membership.objects.filter(user=stranger).delete()
    other_course = Course.objects.create(name="Another")
    Membership.objects.create(
        user=stranger, group=Group.objects.create(course=other_course, name="A"), course=other_course
    )
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


def test_a_second_purge_erases_nothing_and_adds_no_event(term, instructor_client):
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

    printed = capsys.readouterr().out
    assert "       1 accounts" in printed
    assert "Nothing has been erased" in printed
    assert traces() == list(TRACES)


def test_with_yes_the_command_asks_for_the_course_s_name(term, capsys, monkeypatch):
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
