"""Many at once, on real connections: whoever comes second finds out, and nothing is counted or written twice."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.test import Client

from submissions.database.write_lock import writing
from submissions.intake import submit as intake
from submissions.models import ApiToken, Attempt, Event, Score, State, Submission
from submissions.quests import refusal
from submissions.queue import claims, leases, lifecycle, wakeups
from submissions.specs.validation import validate
from tests.cast import KNN, PASSWORD, claim_one, client_of, person, reload, result_of
from tests.concurrency import run_concurrently, run_overlapping

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROUNDS = 8


@pytest.fixture
def sent(monkeypatch):
    """The queues that were woken."""
    queues: list[str] = []
    monkeypatch.setattr(wakeups, "send", queues.append)
    return queues


@pytest.fixture
def lapsed(submission, worker):
    """An attempt whose lease has run out."""
    attempt = claim_one(worker)
    lapse(attempt)
    return attempt


def lapse(attempt):
    Submission.objects.filter(pk=attempt.submission_id).update(lease_until=Now() - timedelta(seconds=1))


def going(submission):
    return list(submission.attempts.filter(ended_at=None))


def refused(results, *errors):
    """How many were refused; whatever else went wrong is raised."""
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, errors):
            raise result
    return sum(isinstance(result, errors) for result in results)


def submit_and_fail(submit):
    with writing():
        submit()
        raise ZeroDivisionError


def test_fifty_posts_at_once_do_not_exceed_the_groups_quota(quest, group, owner, colleague):
    quest.daily_quota = 10
    quest.save()
    tokens = [ApiToken.objects.create(user=user, group=group)[1] for user in (owner, colleague)]

    def post(token):
        headers = {"Authorization": f"Token {token}"}
        body = {"model": KNN, "quest": quest.pk}
        return client.post("/api/v1/submissions/", body, content_type="application/json", headers=headers).status_code

    client = client_of(owner)
    statuses = run_concurrently([partial(post, token) for token in tokens * 25])

    assert sorted(statuses) == [201] * 10 + [429] * 40
    assert Submission.objects.count() == 10


def test_everybody_can_log_in_at_once(group):
    """As many as two web processes have threads. Session, lock-out and last login write beside SQLite's line."""
    people = [person(f"member{number}", group) for number in range(2 * settings.WEB_THREADS)]

    def log_in(user):
        return Client().post("/login/", {"username": user.username, "password": PASSWORD}).status_code

    assert run_concurrently([partial(log_in, user) for user in people]) == [302] * len(people)


def test_of_two_members_who_post_at_once_only_one_gets_the_last_place(quest, submit, colleague):
    quest.daily_quota = 1
    quest.save()

    first, second = run_overlapping(submit, partial(submit, submitter=colleague))

    assert refused([first, second], refusal.Refused) == 1
    assert list(Submission.objects.all()) == [first]


def test_the_interval_between_two_submissions_holds_for_those_at_once(quest, submit):
    quest.min_interval_seconds = 600
    quest.save()

    assert refused(run_concurrently([submit] * 8), refusal.Refused) == 7
    assert Submission.objects.count() == 1


def test_one_key_used_by_many_at_once_gives_one_submission(quest, group, owner):
    token = ApiToken.objects.create(user=owner, group=group)[1]
    headers = {"Authorization": f"Token {token}", "Idempotency-Key": "notebook-1"}
    body = {"model": KNN, "quest": quest.pk}
    client = client_of(owner)

    answers = run_concurrently(
        [lambda: client.post("/api/v1/submissions/", body, content_type="application/json", headers=headers)] * 20
    )

    assert {answer.status_code for answer in answers} <= {200, 201}, [answer.status_code for answer in answers]
    assert {answer.json()["id"] for answer in answers} == {Submission.objects.get().pk}


def test_claims_at_once_take_each_submission_once(quest, submit, worker):
    quest.group_limit = 100
    quest.save()
    queued = {submit().pk for _ in range(12)}

    attempts = run_concurrently([partial(claims.claim, device="cpu", worker=worker)] * 20)

    assert refused(attempts) == 0
    assert attempts.count(None) == 8
    assert sorted(attempt.submission_id for attempt in attempts if attempt) == sorted(queued)
    assert Attempt.objects.count() == 12


def test_claims_at_once_do_not_pass_a_groups_limit(quest, submit, stranger, other_group, worker):
    quest.group_limit = 2
    quest.save()
    for _ in range(6):
        submit()
        submit(submitter=stranger, group=other_group)

    attempts = run_concurrently([partial(claims.claim, device="cpu", worker=worker)] * 12)

    assert refused(attempts) == 0
    groups = [attempt.submission.group_id for attempt in attempts if attempt]
    assert sorted(groups) == sorted([other_group.pk] * 2 + [quest.submissions.earliest("id").group_id] * 2)


def test_an_expiry_that_comes_after_a_new_claim_does_not_take_that_one(lapsed, worker):
    def hand_over():
        leases.expire()
        return claim_one(worker)

    current, expired = run_overlapping(hand_over, leases.expire)

    assert refused([current, expired]) == 0
    assert expired == 0
    submission = reload(lapsed.submission)
    assert (submission.state, submission.lease) == (State.RUNNING, current.lease)
    assert going(submission) == [current]
    assert not leases.renew(lapsed)


def test_a_finish_that_comes_while_another_worker_takes_over_writes_nothing(lapsed, worker):
    def hand_over():
        leases.expire()
        return claim_one(worker)

    current, late = run_overlapping(hand_over, partial(leases.record_score, lapsed, result_of(350)))

    assert refused([current, late], lifecycle.MoveRefused) == 1
    assert not Score.objects.exists()
    assert going(lapsed.submission) == [current]


def test_an_expiry_finds_a_heartbeat_that_was_not_yet_committed(lapsed):
    beaten, expired = run_overlapping(partial(leases.renew, lapsed), leases.expire)

    assert (beaten, expired) == (True, 0)
    assert reload(lapsed.submission).state == State.RUNNING
    assert going(lapsed.submission) == [lapsed]


def test_a_heartbeat_that_comes_after_the_expiry_is_told_so(lapsed):
    expired, beaten = run_overlapping(leases.expire, partial(leases.renew, lapsed))

    assert (expired, beaten) == (1, False)
    assert reload(lapsed.submission).state == State.QUEUED


def test_expiries_claims_and_heartbeats_at_once_leave_one_attempt_going(lapsed, worker):
    submission = lapsed.submission
    for _ in range(ROUNDS):
        (holder,) = going(submission)
        lapse(holder)
        acts = [leases.expire] * 3 + [partial(claims.claim, device="cpu", worker=worker)] * 3

        *_, beaten = results = run_concurrently([*acts, partial(leases.renew, holder)])

        assert refused(results) == 0
        if reload(submission).state == State.QUEUED:
            claim_one(worker)
        assert len(going(submission)) == 1
        assert going(submission)[0].lease == reload(submission).lease
        assert beaten == (going(submission) == [holder])
        Attempt.objects.filter(submission=submission).update(counted=False)


@pytest.mark.parametrize("first", ["cancel", "finish"])
def test_a_cancel_and_a_finish_that_overlap_leave_one_end(submission, owner, worker, first):
    attempt = claim_one(worker)
    acts: dict[str, Callable[[], object]] = {
        "cancel": partial(lifecycle.cancel, submission, user=owner),
        "finish": partial(leases.record_score, attempt, result_of(350)),
    }

    results = run_overlapping(acts.pop(first), acts.popitem()[1])

    assert refused(results, lifecycle.MoveRefused) == (first == "finish")
    assert reload(submission).state == State.SCORED
    assert Score.objects.count() == 1


def test_cancel_stop_and_finish_at_once_end_a_run_once(quest, submit, owner, worker):
    for _ in range(ROUNDS):
        submission = submit()
        attempt = claim_one(worker)
        acts: list[Callable[[], object]] = [
            partial(lifecycle.cancel, submission, user=owner),
            partial(leases.record_cancelled, attempt),
            partial(leases.record_score, attempt, result_of(350)),
        ]

        results = run_concurrently(acts)

        refused(results, lifecycle.MoveRefused)
        state = reload(submission).state
        assert state in (State.SCORED, State.CANCELLED)
        assert Score.objects.filter(submission=submission).count() == (state == State.SCORED)
        assert submission.events.filter(kind__in=[Event.Kind.SCORED, Event.Kind.CANCELLED]).count() == 1


def test_a_cancel_and_a_claim_at_once_leave_it_cancelled_or_running(submit, owner, worker):
    for _ in range(ROUNDS):
        submission = submit()

        results = run_concurrently(
            [partial(lifecycle.cancel, submission, user=owner), partial(claims.claim, device="cpu", worker=worker)]
        )

        assert refused(results) == 0
        state, attempt = results
        assert reload(submission).state == state
        assert (attempt is None) == (state == State.CANCELLED)
        if attempt:
            leases.record_cancelled(attempt)


def test_a_wake_up_is_sent_after_the_commit(quest, owner, group, monkeypatch):
    readable = []
    monkeypatch.setattr(wakeups, "send", lambda queue: readable.extend(run_concurrently([Submission.objects.count])))

    intake.submit(quest=quest, submitter=owner, group=group, spec=validate(KNN, dataset="digits"))

    assert readable == [1]


def test_a_rolled_back_write_sends_no_wake_up(submit, sent):
    with pytest.raises(ZeroDivisionError):
        submit_and_fail(submit)

    assert not Submission.objects.exists()
    assert sent == []
    submit()
    assert sent == ["cpu"]


def test_a_nested_rolled_back_write_sends_no_wake_up(submit, sent):
    with writing():
        with pytest.raises(ZeroDivisionError):
            submit_and_fail(submit)
        assert sent == []

    assert sent == []
    assert not Submission.objects.exists()
