"""Final submissions: a group marks them before the reveal, which ranks it by their private scores."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from leaderboard.ranking import movement, queries
from submissions.intake import reruns
from submissions.intake.finals import finals, mark_final, offer
from submissions.models import Event, Quest, QuestState, Submission
from submissions.quests.refusal import Refused
from submissions.quests.visibility import visibility_for
from submissions.queue import leases
from tests.cast import FOREST, change, claim_one, reload, result_of

pytestmark = pytest.mark.slow


@pytest.fixture
def quest(quest) -> Quest:
    return change(quest, private_share=0.5, final_runs=2)


@pytest.fixture
def scored(submit, score):
    """Three submissions, with 180 public and 180 private images: best in public, best in private, worst in both."""
    results = [(170, 100), (160, 150), (120, 90)]
    return [score(submit(), public, total=180, private=(private, 180)) for public, private in results]


def reveal(quest: Quest) -> Quest:
    return change(quest, state=QuestState.REVEALED)


def ranking(quest: Quest) -> list[tuple[int, str, int]]:
    return [(row.rank, row.owner_name, row.points) for row in queries.board(quest)]


def refusal(submission: Submission, user, final: bool = True) -> str:
    with pytest.raises(Refused) as refused:
        mark_final(submission, user=user, final=final)
    assert refused.value.status == 409
    return str(refused.value)


def post(client: Client, submission: Submission, body: object):
    return client.post(f"/api/v1/submissions/{submission.pk}/final/", json.dumps(body), "application/json")


def test_a_group_without_a_final_is_ranked_by_its_best_public_submission(quest, scored):
    assert ranking(reveal(quest)) == [(1, "ITMALGrp01", 100)]


def test_the_reveal_ranks_a_group_by_the_best_of_its_finals(quest, scored, owner):
    for submission in scored[1:]:
        mark_final(submission, user=owner, final=True)

    assert ranking(reveal(quest)) == [(1, "ITMALGrp01", 150)]


def test_a_final_counts_even_if_another_submission_is_better(quest, scored, owner):
    mark_final(scored[2], user=owner, final=True)

    assert ranking(reveal(quest)) == [(1, "ITMALGrp01", 90)]


def test_finals_do_not_change_the_board_before_the_reveal(quest, scored, owner):
    mark_final(scored[2], user=owner, final=True)

    assert ranking(quest) == [(1, "ITMALGrp01", 170)]


def test_the_first_of_equal_finals_counts_and_groups_that_tie_share_a_rank(
    quest, scored, submit, score, owner, stranger, other_group
):
    again = score(submit(), 150, total=180, private=(150, 180))
    for submission in (again, scored[1]):
        mark_final(submission, user=owner, final=True)
    tied = score(submit(FOREST, submitter=stranger, group=other_group), 100, total=180, private=(150, 180))

    rows = list(queries.board(reveal(quest)))

    assert [(row.rank, row.pk) for row in rows] == [(1, scored[1].pk), (1, tied.pk)]


def test_a_quest_without_private_images_has_no_finals_and_ranks_by_public_score(quest, submit, score, owner):
    change(quest, private_share=0)
    best = score(submit(), 350)
    score(submit(FOREST), 340)

    assert "has no private images" in refusal(best, owner)
    assert ranking(reveal(quest)) == [(1, "ITMALGrp01", 350)]


def test_a_group_whose_final_failed_is_ranked_by_its_best_public_submission(quest, scored, submit, owner, worker):
    waiting = submit(FOREST)
    mark_final(waiting, user=owner, final=True)
    leases.fail(claim_one(worker), reason="It broke.")

    assert [row.pk for row in finals(quest)] == [scored[0].pk]


def test_a_group_marks_at_most_as_many_finals_as_the_quest_allows(quest, scored, owner):
    for submission in scored[:2]:
        mark_final(submission, user=owner, final=True)

    assert f"Yours are {scored[0].pk}, {scored[1].pk}" in refusal(scored[2], owner)

    mark_final(scored[0], user=owner, final=False)
    mark_final(scored[2], user=owner, final=True)

    assert [reload(submission).final for submission in scored] == [False, True, True]


def test_marking_twice_adds_one_event(quest, scored, owner, colleague):
    for _ in range(2):
        mark_final(scored[0], user=owner, final=True)
    mark_final(scored[0], user=colleague, final=False)

    kinds = (Event.Kind.FINAL, Event.Kind.NOT_FINAL)
    written = Event.objects.filter(submission=scored[0], kind__in=kinds).values_list("kind", "user")
    assert list(written) == [("final", owner.pk), ("not_final", colleague.pk)]


def test_no_final_can_be_marked_after_the_quest_closed_for_the_group(quest, scored, owner):
    change(quest, closes_at=timezone.now() - timedelta(minutes=1))
    assert "closed" in refusal(scored[0], owner)

    change(quest, closes_at=None, state=QuestState.CLOSED)

    assert "Finals are chosen while it is open" in refusal(scored[0], owner)


def test_only_the_group_itself_marks_its_finals(quest, scored, stranger, instructor):
    for user in (stranger, instructor):
        assert "Only members of ITMALGrp01" in refusal(scored[0], user)


def test_a_submission_disqualified_or_out_of_competition_cannot_be_final(quest, scored, submit, owner, instructor):
    Submission.objects.filter(pk=scored[0].pk).update(disqualified=True)

    assert "disqualified" in refusal(scored[0], owner)
    assert "out of competition" in refusal(submit(submitter=instructor, group=None), instructor)


def test_a_final_follows_the_run_that_counts(quest, scored, owner, instructor, worker):
    mark_final(scored[1], user=owner, final=True)
    again = reruns.rerun(scored[1], user=instructor)
    leases.record_score(claim_one(worker), result_of(161, 180, private=(151, 180)))
    reruns.choose(reload(again), user=instructor, reason="The first machine was faulty.")

    assert ranking(reveal(quest)) == [(1, "ITMALGrp01", 151)]


def test_the_reveal_shows_who_moved_from_the_public_ranking(
    client, quest, scored, submit, score, stranger, other_group
):
    score(submit(submitter=stranger, group=other_group), 150, total=180, private=(149, 180))
    reveal(quest)
    seen = visibility_for(quest, None)
    rows = list(queries.board(quest))

    moved = movement.movements(rows, movement.ranks_before(quest, seen))

    assert [(row.owner_name, moved[row.pk].was, moved[row.pk].direction) for row in rows] == [
        ("ITMALGrp02", 2, "up"),
        ("ITMALGrp01", 1, "down"),
    ]
    assert "moved from the public ranking" in client.get("/").text


def test_the_page_offers_to_mark_a_final_until_the_reveal(quest, scored, owner, stranger):
    offered = offer(scored[0], owner)
    assert offered
    assert offered.left == 2
    assert offer(scored[0], stranger) is None
    reveal(quest)

    assert offer(reload(scored[0]), owner) is None


def test_a_group_marks_a_final_on_the_page(quest, scored, owner_client, stranger_client):
    path = f"/submissions/{scored[0].pk}/final/"

    assert "Marked as final." in owner_client.post(path, {"final": "1"}, follow=True).text
    assert reload(scored[0]).final
    assert "No longer marked" in owner_client.post(path, {"final": "0"}, follow=True).text
    assert stranger_client.post(path, {"final": "1"}).status_code == 404
    assert owner_client.get(path).status_code == 405


def test_a_program_marks_a_final_through_the_api(quest, scored, owner_token, stranger_client):
    api = Client(headers={"Authorization": f"Token {owner_token}"})

    assert post(api, scored[0], {"final": True}).json()["final"] is True
    assert post(api, scored[0], {"final": False}).json()["final"] is False
    assert post(api, scored[0], {"final": "perhaps"}).json()["errors"][0]["field"] == "final"
    assert post(stranger_client, scored[0], {"final": True}).status_code == 404


def test_the_api_says_why_a_final_is_refused(quest, scored, owner_token):
    change(quest, final_runs=1)
    api = Client(headers={"Authorization": f"Token {owner_token}"})
    post(api, scored[0], {"final": True})

    refused = post(api, scored[1], {"final": True})

    assert refused.status_code == 409
    assert refused.json()["errors"][0]["field"] == "final"
    assert "at most 1" in refused.json()["errors"][0]["message"]
