"""Which run of a submission counts, which failed runs cost no quota, and how the pages show both."""

import pytest

from leaderboard.ranking.queries import board
from submissions.intake import reruns
from submissions.models import Event, Exit, State, Submission
from submissions.quests import quotas
from submissions.quests.refusal import Refused
from submissions.queue import leases, lifecycle
from tests.cast import claim_one, reload, result_of

pytestmark = pytest.mark.slow


@pytest.fixture
def two_runs(submission, score, instructor) -> tuple[Submission, Submission]:
    """A scored run, and its re-run with a better score."""
    first = score(submission, 300)
    again = score(reruns.rerun(first, user=instructor, reason="The fan had failed."), 340)
    return first, again


def text(client, submission) -> str:
    return client.get(f"/submissions/{submission.pk}/").content.decode()


def count(client, submission, reason: str = "The machine was faulty."):
    return client.post(f"/desk/submissions/{submission.pk}/count/", {"reason": reason}, follow=True)


def test_the_first_run_counts_until_an_instructor_chooses_another(two_runs, quest, instructor_client):
    first, again = two_runs
    assert [row.pk for row in board(quest)] == [first.pk]

    page = count(instructor_client, again).content.decode()

    assert f"Submission {again.pk} is the run that counts." in page
    assert [row.pk for row in board(quest)] == [again.pk]


def test_the_live_board_shows_the_chosen_run_with_the_first_runs_time(two_runs, client, instructor_client):
    first, again = two_runs
    etag = client.get("/").context["snapshot"].etag

    count(instructor_client, again)

    live = client.get(f"/?seen={etag}")
    assert live.status_code == 200
    assert "0.94444" in live.content.decode()
    assert again.ranked_at == first.ranked_at


def test_the_histories_of_both_runs_say_who_chose_and_why(two_runs, owner_client, instructor_client):
    first, again = two_runs
    count(instructor_client, again)

    assert "instructor made this the run that counts. The machine was faulty." in text(owner_client, again)
    assert "instructor made another run count instead of this one. The machine was faulty." in text(owner_client, first)


def test_a_choice_needs_a_reason_and_a_scored_run(two_runs, instructor, instructor_client):
    first, again = two_runs
    third = reruns.rerun(first, user=instructor)

    assert "Give a reason" in count(instructor_client, again, reason=" ").content.decode()
    assert "Only a run that was scored can count." in count(instructor_client, third).content.decode()
    assert not Event.objects.filter(kind=Event.Kind.COUNTS).exists()


def test_the_group_sees_the_runs_and_only_an_instructor_may_choose(two_runs, owner_client, instructor_client):
    first, again = two_runs
    address = f"/desk/submissions/{again.pk}/count/"

    assert "Runs of this submission" in text(owner_client, first)
    assert address not in text(owner_client, first)
    assert address in text(instructor_client, first)
    assert owner_client.post(address, {"reason": "x"}).status_code == 404
    assert reload(first).counts


def test_choosing_a_run_twice_adds_one_event(two_runs, instructor_client):
    _first, again = two_runs
    count(instructor_client, again)
    count(instructor_client, again)

    assert Event.objects.filter(kind=Event.Kind.COUNTS).count() == 1


def test_a_run_is_not_repeated_while_its_rerun_is_queued(submission, score, instructor):
    first = score(submission, 300)
    again = reruns.rerun(first, user=instructor)

    with pytest.raises(Refused, match=f"already being re-run as submission {again.pk}"):
        reruns.rerun(first, user=instructor)


def test_of_two_reruns_of_a_failed_run_only_one_counts(submission, worker, score, instructor, quest):
    leases.fail(claim_one(worker), reason="No.")
    first = reload(submission)
    second = score(reruns.rerun(first, user=instructor), 300)
    third = score(reruns.rerun(first, user=instructor), 310)

    assert (second.counts, third.counts) == (True, False)
    assert [row.pk for row in board(quest, best=False)] == [second.pk]


def lose_runs(worker, times: int) -> None:
    for _ in range(times):
        leases.release(claim_one(worker), Exit.LOST, reason="The worker was not heard from any more.")


def test_a_run_that_failed_by_lost_workers_costs_no_quota_and_says_so(submission, worker, quest, group, owner_client):
    lose_runs(worker, 3)

    assert reload(submission).state == State.FAILED
    assert quotas.quota(quest, group).used == 0
    assert "This submission does not count towards your quota." in text(owner_client, submission)
    assert "not counted towards the quota" in owner_client.get("/submissions/").content.decode()


def test_a_lost_worker_among_crashes_costs_no_quota_either(submission, worker, quest, group):
    lose_runs(worker, 1)
    for _ in range(2):
        leases.release(claim_one(worker), Exit.CRASHED, reason="The training process crashed.")

    assert reload(submission).state == State.FAILED
    assert "A worker failed it before that, so it does not count towards your quota." in reload(submission).reason
    assert quotas.quota(quest, group).used == 0


def test_a_run_that_fails_by_its_own_error_costs_quota(submission, worker, quest, group, owner_client):
    leases.fail(claim_one(worker), reason="The training stopped with an error.")

    assert quotas.quota(quest, group).used == 1
    assert "does not count towards your quota" not in text(owner_client, submission)


def test_a_run_cancelled_after_a_lost_worker_is_refunded(submission, worker, quest, group, owner):
    lose_runs(worker, 1)

    lifecycle.cancel(reload(submission), user=owner)

    assert quotas.quota(quest, group).used == 0


def test_a_run_cancelled_after_its_own_crash_costs_quota(submission, worker, quest, group, owner):
    leases.release(claim_one(worker), Exit.CRASHED, reason="The training process crashed.")

    lifecycle.cancel(reload(submission), user=owner)

    assert quotas.quota(quest, group).used == 1


def test_a_rerun_costs_no_quota(submission, worker, quest, group, instructor):
    leases.record_score(claim_one(worker), result_of(300))
    reruns.rerun(reload(submission), user=instructor)

    assert quotas.quota(quest, group).used == 1
