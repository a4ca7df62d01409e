"""Exclusive runs have their machine and all its cores to themselves; what a run is granted where it is shared."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from submissions.models import Attempt, Quest, QuestState, Submission, Worker
from submissions.queue import claims, exclusive_hosts, leases, lifecycle
from tests.cast import KNN, claim_one, person, reload, result_of


@pytest.fixture
def alone(course) -> Quest:
    """A quest whose runs are exclusive, beside the usual one."""
    quest = Quest.objects.create(
        course=course, name="Timed", dataset="digits", state=QuestState.OPEN, exclusive=True, group_limit=5
    )
    Quest.objects.update(group_limit=5)
    return quest


def another(worker: Worker, host: str, **more: object) -> Worker:
    changes = {"name": f"cpu@{host}", "host": host, "pid": 9, **more}
    plain = {name: getattr(worker, name) for name in ("device", "slots", "version", "hardware")}
    return Worker.objects.create(**{**plain, **changes})


def claim(worker: Worker) -> Attempt | None:
    return claims.claim(device=worker.device, worker=worker)


def aged(submission: Submission, minutes: int) -> Submission:
    Submission.objects.filter(pk=submission.pk).update(submitted_at=timezone.now() - timedelta(minutes=minutes))
    return submission


def test_an_exclusive_run_starts_on_an_idle_machine_only(submit, alone, worker):
    timed = submit(quest=alone)

    attempt = claim_one(worker)

    assert (attempt.submission_id, attempt.exclusive, attempt.other_runs) == (timed.pk, True, 0)
    assert attempt.threads_asked == worker.hardware.cores


def test_no_other_run_starts_on_the_machine_of_an_exclusive_run(submit, alone, worker, other):
    submit(quest=alone)
    attempt = claim_one(worker)
    submit(**other)
    same_machine = another(worker, worker.host, name="cpu2@here")

    assert claim(worker) is None
    assert claim(same_machine) is None
    leases.record_score(attempt, result_of(350))
    assert claim(same_machine) is not None


def test_other_machines_continue_during_an_exclusive_run(submit, alone, worker, other):
    submit(quest=alone)
    claim_one(worker)
    theirs = submit(**other)

    assert claim_one(another(worker, "there")).submission_id == theirs.pk


def test_free_slots_wait_for_an_exclusive_run_until_their_machine_is_idle(submit, alone, worker, other):
    submit()
    going = claim_one(worker)
    timed = aged(submit(quest=alone, **other), minutes=5)
    submit()

    assert claim(worker) is None, "its second slot would keep the machine busy for ever"
    leases.record_score(going, result_of(350))
    assert claim_one(worker).submission_id == timed.pk


def test_only_one_of_several_machines_waits_for_an_exclusive_run(submit, alone, worker, other):
    there = another(worker, "there")
    for _ in range(4):
        submit()
    busier = [claim_one(there), claim_one(there)]
    here = claim_one(worker)
    timed = aged(submit(quest=alone, **other), minutes=5)

    assert claim(worker) is None, "the machine with the fewest runs waits"
    leases.record_score(busier[0], result_of(350))
    leases.record_score(here, result_of(350))
    following = claim_one(there)
    assert following.submission_id != timed.pk
    assert claim_one(worker).submission_id == timed.pk


def test_a_submission_ahead_of_an_exclusive_one_still_goes_first(submit, alone, worker, other, course):
    submit(quest=alone), submit(quest=alone)
    first = claim_one(worker)
    theirs = submit(**other)
    leases.record_score(first, result_of(350, train_s=100))

    assert claim_one(worker).submission_id == theirs.pk


def test_the_end_of_an_exclusive_run_wakes_every_slot(
    submit, alone, worker, monkeypatch, django_capture_on_commit_callbacks
):
    submit(quest=alone)
    attempt = claim_one(worker)
    for _ in range(3):
        submit()
    sent: list[str] = []
    monkeypatch.setattr("submissions.queue.wakeups.send", sent.append)

    with django_capture_on_commit_callbacks(execute=True):
        leases.record_score(attempt, result_of(350))

    assert sent == ["cpu", "cpu"], "one for each of the machine's slots, which all waited"


def test_cancelling_the_exclusive_submission_that_slots_wait_for_wakes_them_all(submit, alone, worker, other, owner):
    submit()
    claim_one(worker)
    timed = aged(submit(quest=alone, **other), minutes=5)
    waiting = submit()
    assert claim(worker) is None

    assert exclusive_hosts.slots_to_wake(timed) == 2
    lifecycle.cancel(timed, user=owner)
    assert claim_one(worker).submission_id == waiting.pk


def test_without_exclusive_quests_one_wake_up_is_enough(submission):
    assert exclusive_hosts.slots_to_wake(submission) == 1


def test_a_run_alone_on_its_machine_has_all_cores_and_one_among_others_its_share(submit, worker, other):
    Worker.objects.filter(pk=worker.pk).update(slots=2)
    submit()
    alone = claim_one(worker)
    submit(**other)
    beside = claim_one(worker)

    assert (alone.threads_asked, beside.threads_asked) == (2, 1)
    assert (alone.other_runs, beside.other_runs) == (0, 1)


def test_a_run_gets_only_its_share_of_the_cores_if_another_is_waiting(submit, worker, other):
    submit(), submit(**other)

    assert [claim_one(worker).threads_asked for _ in range(2)] == [1, 1]


def test_a_shared_run_says_why_the_board_leaves_it_out(submit, score, quest, client, owner_client):
    submission = score(submit(), 350)
    page = f"/submissions/{submission.pk}/"
    assert "this quest ranks only runs with exclusive use of a machine" not in owner_client.get(page).text
    Quest.objects.update(exclusive=True, board_needs_exclusive=True)

    assert "this quest ranks only runs with exclusive use of a machine" in owner_client.get(page).text
    assert client.get("/api/v1/leaderboard/").json()["results"] == []
    score(submit(), 340)
    assert [row["correct"] for row in client.get("/api/v1/leaderboard/").json()["results"]] == [340]


def test_the_claims_stay_cheap(submit, alone, worker, course, django_assert_max_num_queries):
    submit()
    claim_one(worker)
    for number in range(5):
        group = course.groups.create(name=f"Grp{number}")
        aged(submit(quest=alone, group=group, submitter=person(f"member{number}", group)), minutes=5)
    theirs = submit(KNN)

    with django_assert_max_num_queries(10):
        assert claim(worker) is None
    with django_assert_max_num_queries(20):
        assert claim(another(worker, "there", slots=1)) is not None
    assert reload(theirs).state == "queued"
