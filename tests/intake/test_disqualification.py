"""Disqualifying and reinstating a submission."""

from __future__ import annotations

import pytest

from leaderboard.ranking import queries
from submissions.intake.disqualification import disqualify, reinstate
from submissions.models import Event
from submissions.quests.refusal import Refused
from tests.cast import FOREST, reload


@pytest.fixture
def best(submission, score):
    return score(submission, 350)


def test_a_disqualified_submission_leaves_the_board_for_its_group_s_next_best(best, submit, score, quest, instructor):
    second = score(submit(FOREST), 340)

    disqualify(best, user=instructor, reason="trained on the test images")

    assert [row.pk for row in queries.board(quest)] == [second.pk]
    assert [row.pk for row in queries.feed(quest)] == [second.pk]
    assert reload(best).correct == 350, "its result is kept"


def test_a_reinstated_submission_returns_to_its_place(best, quest, instructor):
    disqualify(best, user=instructor, reason="copied")
    reinstate(reload(best), user=instructor, reason="it was not")

    assert [row.pk for row in queries.board(quest)] == [best.pk]
    assert [(event.kind, event.actor, event.reason) for event in best.events.order_by("id")][-2:] == [
        (Event.Kind.DISQUALIFIED, "instructor", "copied"),
        (Event.Kind.REINSTATED, "instructor", "it was not"),
    ]


def test_a_disqualification_needs_a_reason(best, instructor):
    with pytest.raises(Refused, match="Give a reason"):
        disqualify(best, user=instructor, reason=" ")
    assert not reload(best).disqualified


def test_only_the_first_of_two_instructors_disqualifies_a_submission(best, instructor):
    disqualify(best, user=instructor, reason="copied")
    with pytest.raises(Refused, match="just done this"):
        disqualify(best, user=instructor, reason="copied")
    assert best.events.filter(kind=Event.Kind.DISQUALIFIED).count() == 1


def test_a_submission_out_of_competition_cannot_be_disqualified(submit, instructor):
    own = submit(submitter=instructor, group=None)
    with pytest.raises(Refused, match="out of competition"):
        disqualify(own, user=instructor, reason="mine")


def test_the_group_sees_that_it_was_disqualified_and_why(best, instructor, owner_client, client):
    disqualify(best, user=instructor, reason="trained on the test images")

    page = owner_client.get(f"/submissions/{best.pk}/").content.decode()
    assert "Disqualified by instructor" in page
    assert page.count("trained on the test images") == 2, "above the score, and in the history"
    assert "disqualified" in owner_client.get("/groups/ITMALGrp01/").content.decode()
    assert owner_client.get(f"/api/v1/submissions/{best.pk}/").json()["disqualified"] is True
    assert "0.97222" not in client.get("/groups/ITMALGrp01/").content.decode()
