"""Fairness among groups under load, what a CPU may take of `auto`, and how little a claim asks of a long queue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from submissions.models import Attempt, Quest, State, Submission, Worker
from submissions.queue import claims, leases, prediction
from submissions.queue.simulation import RunningJob, Start, WaitingJob, simulate
from tests.cast import DENSE_NET, KNN, claim_one, person, reload, result_of

pytestmark = pytest.mark.slow


@pytest.fixture
def crowd(submission):
    """Queue many copies of the owner's submission at once."""

    def crowd(count: int) -> None:
        columns = [field.column for field in Submission._meta.concrete_fields if not field.primary_key]
        copied = ", ".join("NULL" if name == "idempotency_key" else f's."{name}"' for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO submissions_submission ({names}) "
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) "
                f"SELECT {copied} FROM n, submissions_submission s WHERE s.id = %s",
                [count, submission.pk],
            )

    return crowd


@pytest.fixture
def took(submit):
    """A run of the small network that was scored on this worker yesterday, in these seconds."""

    def took(seconds: float, *, on: Worker) -> None:
        submission = submit(DENSE_NET, device=on.device)
        attempt = claim_one(on, on.device)
        assert attempt.submission_id == submission.pk
        leases.record_score(attempt, result_of(300))
        ended = timezone.now() - timedelta(days=1)
        Attempt.objects.filter(pk=attempt.pk).update(total_s=seconds, ended_at=ended)
        cache.clear()

    return took


def finish(attempt: Attempt) -> None:
    leases.record_score(attempt, result_of(300))


def test_a_groups_only_submission_goes_before_another_groups_two_hundred(crowd, submit, other, worker, group):
    crowd(199)
    first = claim_one(worker)
    theirs = submit(**other)
    finish(first)

    assert Submission.objects.filter(group=group, state=State.QUEUED).count() == 199
    assert claim_one(worker).submission_id == theirs.pk


def test_no_slot_stays_empty_while_anyone_may_use_it(crowd, submit, other, quest, worker):
    quest.group_limit = 2
    quest.save()
    crowd(199)
    theirs = [submit(**other) for _ in range(3)]

    taken = [claim_one(worker) for _ in range(4)]

    teams = [Submission.objects.get(pk=attempt.submission_id).owner_name for attempt in taken]
    assert sorted(teams) == ["ITMALGrp01", "ITMALGrp01", "ITMALGrp02", "ITMALGrp02"]
    assert claims.claim(device="cpu", worker=worker) is None, "both groups have their two"
    finish(next(attempt for attempt in taken if attempt.submission_id == theirs[0].pk))
    assert claim_one(worker).submission_id == theirs[2].pk


def test_thirty_groups_each_get_a_first_run_before_any_gets_a_second(course, submit, quest, worker):
    for number in range(30):
        team = course.groups.create(name=f"Grp{number:02}")
        member = person(f"member{number}", team)
        for _ in range(1 + number % 3):
            submit(group=team, submitter=member)

    first = [Submission.objects.get(pk=claim_one(worker).submission_id).group_id for _ in range(30)]

    assert len(set(first)) == 30


def test_device_seconds_of_the_last_hour_count_and_older_ones_do_not(submit, other, worker):
    submit()
    busy = claim_one(worker)
    leases.record_score(busy, result_of(350, train_s=100))
    submit(**other)
    leases.record_score(claim_one(worker), result_of(350, train_s=1))
    ours, theirs = submit(), submit(**other)

    assert claims.claimable("cpu") == [theirs.pk, ours.pk]
    Attempt.objects.filter(pk=busy.pk).update(ended_at=timezone.now() - timedelta(hours=2))
    assert claims.claimable("cpu") == [ours.pk, theirs.pk]


def test_seconds_on_a_cpu_are_not_held_against_a_group_on_a_gpu(submit, other, worker, gpu_worker):
    submit()
    leases.record_score(claim_one(worker), result_of(350, train_s=100))
    ours, theirs = submit(DENSE_NET, device="gpu"), submit(DENSE_NET, device="gpu", **other)

    assert claims.claimable("gpu") == [ours.pk, theirs.pk]


def test_a_failed_run_used_its_slot_too(submit, other, worker):
    submit()
    failed = claim_one(worker)
    leases.fail(failed, reason="No.")
    Attempt.objects.filter(pk=failed.pk).update(total_s=50)
    ours, theirs = submit(), submit(**other)

    assert claims.claimable("cpu") == [theirs.pk, ours.pk]


def test_a_submission_for_auto_waits_for_a_free_gpu(submit, took, worker, gpu_worker):
    took(1, on=worker)
    took(60, on=gpu_worker)
    submit(DENSE_NET, device="auto")

    assert claims.claim(device="cpu", worker=worker) is None
    assert claim_one(gpu_worker, "gpu").device == "gpu"


def test_a_cpu_takes_auto_where_the_wait_for_a_gpu_would_be_longer_than_its_run(submit, took, worker, gpu_worker):
    took(20, on=worker)
    took(60, on=gpu_worker)
    submit(DENSE_NET, device="gpu")
    claim_one(gpu_worker, "gpu")
    waiting = submit(DENSE_NET, device="auto")

    attempt = claim_one(worker)

    assert (attempt.submission_id, attempt.device) == (waiting.pk, "cpu")


def test_a_cpu_leaves_auto_alone_where_its_run_would_take_longer_than_the_wait(submit, took, worker, gpu_worker):
    took(200, on=worker)
    took(60, on=gpu_worker)
    submit(DENSE_NET, device="gpu")
    claim_one(gpu_worker, "gpu")
    submit(DENSE_NET, device="auto")

    assert claims.claim(device="cpu", worker=worker) is None


def test_a_cpu_takes_the_submissions_for_auto_with_the_longest_wait_for_the_gpu(
    submit, took, quest, worker, gpu_worker
):
    quest.group_limit = 10
    quest.save()
    took(90, on=worker)
    took(60, on=gpu_worker)
    submit(DENSE_NET, device="gpu")
    claim_one(gpu_worker, "gpu")
    first, second, third = (submit(DENSE_NET, device="auto") for _ in range(3))

    assert prediction.cpu_eligible() == {second.pk, third.pk}, "those would wait 120 and 180 seconds for the GPU"
    assert claim_one(worker).submission_id == second.pk
    assert prediction.cpu_eligible() == {third.pk}, "it is the second now, and would still wait 120 seconds"
    assert reload(first).state == State.QUEUED


@pytest.mark.parametrize("known", ["cpu", "gpu"])
def test_auto_waits_for_the_gpu_if_either_time_is_unknown(submit, took, worker, gpu_worker, known):
    took(20, on={"cpu": worker, "gpu": gpu_worker}[known])
    submit(DENSE_NET, device="gpu")
    claim_one(gpu_worker, "gpu")
    submit(DENSE_NET, device="auto")

    assert claims.claim(device="cpu", worker=worker) is None


def test_a_submission_for_auto_does_not_hold_up_one_for_a_cpu(submit, worker, gpu_worker):
    submit(DENSE_NET, device="auto")
    knn = submit(KNN)

    assert claim_one(worker).submission_id == knn.pk


def test_with_no_gpu_alive_a_cpu_takes_all_of_auto(submit, took, worker, gpu_worker):
    took(200, on=worker)
    submit(DENSE_NET, device="auto")
    Worker.objects.filter(pk=gpu_worker.pk).update(stopped_at=timezone.now())

    assert claim_one(worker).device == "cpu"


def test_a_submission_for_auto_has_its_place_in_the_queue_it_waits_in(submit, worker):
    """Without a GPU it stands in the CPUs' queue; with one, in the GPU's."""
    submit(KNN)
    waiting = submit(DENSE_NET, device="auto")
    assert claims.position(waiting) == 2

    Worker.objects.create(name="gpu@x", host="x", pid=2, device="gpu", version="test", hardware=worker.hardware)
    assert claims.position(waiting) == 1


def test_the_shown_places_are_the_order_of_the_claims(submit, other, course, worker):
    """Groups that have used nothing, little and much lately; whoever is shown as next is whom the next claim takes."""
    Quest.objects.update(group_limit=100)
    team = course.groups.create(name="ITMALGrp03")
    third = {"group": team, "submitter": person("third", team)}
    for who, seconds in (({}, 100), (other, 1)):
        submit(**who)
        leases.record_score(claim_one(worker), result_of(350, train_s=seconds))
    for who in ({}, {}, other, third, {}, other):
        submit(**who)
    shown = claims.queue_order("cpu")

    assert [claim_one(worker).submission_id for _ in shown] == shown


@pytest.mark.parametrize("count", [10, 100_000])
def test_a_claim_takes_as_few_queries_for_a_hundred_thousand_as_for_ten(
    crowd, submit, other, worker, count, django_assert_max_num_queries
):
    crowd(count)
    theirs = submit(**other)
    claim_one(worker)

    with django_assert_max_num_queries(17):
        attempt = claim_one(worker)

    assert attempt.submission_id == theirs.pk


def waiting(pk: int, group: int, *, limit: int = 2, **run_s: float | None) -> WaitingJob:
    return WaitingJob(pk=pk, group=group, limit=limit, submitted_at=float(pk), run_s=run_s or {"cpu": 10.0})


def test_in_the_simulation_groups_take_turns():
    rows = [waiting(1, 1), waiting(2, 1), waiting(3, 1), waiting(4, 2)]

    starts = simulate(rows, [], free={"cpu": 1}, used={})

    assert [(pk, start.after) for pk, start in starts.items()] == [(1, 0), (4, 10), (2, 20), (3, 30)]


def test_in_the_simulation_a_limit_leaves_a_slot_to_others():
    rows = [waiting(1, 1, limit=1), waiting(2, 1, limit=1), waiting(3, 2, limit=1)]

    starts = simulate(rows, [], free={"cpu": 3}, used={})

    assert starts == {1: Start(0.0, "cpu"), 3: Start(0.0, "cpu"), 2: Start(10.0, "cpu")}


def test_in_the_simulation_a_lost_workers_run_frees_the_limit_but_no_slot():
    gone = RunningJob(group=1, device="cpu", remaining_s=5.0, holds_slot=False)

    starts = simulate([waiting(1, 1, limit=1)], [gone], free={"cpu": 1}, used={})

    assert starts == {1: Start(5.0, "cpu")}


def test_in_the_simulation_a_job_for_either_device_takes_the_first_free_slot():
    rows = [waiting(1, 1, gpu=30.0), waiting(2, 2, gpu=5.0, cpu=50.0), waiting(3, 3, gpu=5.0)]

    starts = simulate(rows, [], free={"gpu": 1, "cpu": 1}, used={})

    assert starts == {1: Start(0.0, "gpu"), 2: Start(0.0, "cpu"), 3: Start(30.0, "gpu")}


def test_in_the_simulation_nothing_follows_a_run_of_unknown_length():
    starts = simulate([waiting(1, 1, cpu=None), waiting(2, 1)], [], free={"cpu": 1}, used={})

    assert starts == {1: Start(0.0, "cpu")}


def test_in_the_simulation_the_group_that_used_less_lately_is_first():
    starts = simulate([waiting(1, 1), waiting(2, 2)], [], free={"cpu": 1}, used={(1, "cpu"): 60.0})

    assert list(starts) == [2, 1]


def test_each_claim_takes_the_submission_predicted_to_be_next(submit, other, worker):
    """Whoever is foretold to be next is whom the next claim takes, again and again."""
    Quest.objects.update(group_limit=1)
    rows = [submit(), submit(), submit(**other), submit(), submit(**other)]
    leases.record_score(claim_one(worker), result_of(300, train_s=2))
    order = []
    while Submission.objects.filter(state=State.QUEUED).exists():
        Worker.objects.update(slots=1)
        foretold = next(iter(prediction.forecast_queue().starts))
        attempt = claim_one(worker)
        assert attempt.submission_id == foretold
        finish(attempt)
        order.append(attempt.submission_id)
        cache.clear()

    assert sorted(order) == [row.pk for row in rows[1:]]
