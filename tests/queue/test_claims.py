"""Claims are fair among groups, keep the groups' limits, and take only runs for the requested device."""

from datetime import timedelta

from django.utils import timezone

from submissions.models import Membership, State, Submission, Worker
from submissions.queue import claims, leases
from tests.cast import DENSE_NET, claim_one, person, reload, result_of


def test_an_empty_queue_gives_no_claim(worker):
    assert claims.claim(device="cpu", worker=worker) is None


def test_a_claim_takes_a_lease_and_opens_an_attempt(submission, worker):
    attempt = claim_one(worker)

    submission = reload(submission)
    assert submission.state == State.RUNNING
    assert submission.lease == attempt.lease
    assert timedelta(seconds=50) < submission.lease_until - timezone.now() <= timedelta(seconds=60)
    assert attempt.hardware == worker.hardware
    assert attempt.queue_wait_s is not None
    assert attempt.queue_wait_s >= 0


def test_a_group_that_queued_many_does_not_hold_up_one_that_queued_one(submit, other, worker):
    many = [submit() for _ in range(5)]
    one = submit(**other)

    order = [claim_one(worker).submission_id for _ in range(2)]

    assert order == [many[0].pk, one.pk]


def test_among_idle_groups_the_one_that_used_less_lately_goes_first(submit, other, worker):
    submit()
    leases.record_score(claim_one(worker), result_of(350, train_s=100))
    submit(**other)
    leases.record_score(claim_one(worker), result_of(350, train_s=1))
    submit()
    modest = submit(**other)

    assert claim_one(worker).submission_id == modest.pk


def test_a_group_is_held_to_its_limit_of_runs(submit, other, quest, worker):
    quest.group_limit = 1
    quest.save()
    submit(), submit()
    theirs = submit(**other)

    first, second = claim_one(worker), claim_one(worker)

    assert {first.submission_id, second.submission_id} >= {theirs.pk}
    assert claims.claim(device="cpu", worker=worker) is None
    leases.record_score(first, result_of(350))
    assert claims.claim(device="cpu", worker=worker) is not None


def test_a_gpu_run_waits_for_a_gpu(submit, worker, gpu_worker):
    waiting = submit(DENSE_NET, device="gpu")

    assert claims.claim(device="cpu", worker=worker) is None
    assert claim_one(gpu_worker, "gpu").submission_id == waiting.pk


def test_auto_goes_to_a_cpu_only_while_no_gpu_worker_is_alive(submit, worker, gpu_worker):
    submit(DENSE_NET, device="auto")

    assert claims.claim(device="cpu", worker=worker) is None
    Worker.objects.filter(pk=gpu_worker.pk).update(last_seen_at=timezone.now() - timedelta(minutes=5))
    attempt = claim_one(worker)

    assert attempt.device == "cpu"


def test_the_place_in_the_queue_counts_the_groups_in_turn(submit, other):
    first, second = submit(), submit()
    theirs = submit(**other)

    assert [claims.position(one) for one in (first, theirs, second)] == [1, 2, 3]


def test_a_running_submission_has_no_place_in_the_queue(submission, worker):
    claim_one(worker)

    assert claims.position(reload(submission)) is None


def test_the_query_joins_its_counts_once(submit, course, worker, django_assert_max_num_queries):
    for number in range(5):
        group = course.groups.create(name=f"Grp{number}")
        submit(group=group, submitter=person(f"member{number}", group))
    assert Membership.objects.count() == 6

    with django_assert_max_num_queries(3):
        assert len(claims.claimable("cpu")) == 5
    assert Submission.objects.live().count() == 5
