"""The broker dies, forgets, is away or says everything twice: the database row is the job, so it does not matter."""

import json
import re
import time
import urllib.request
from collections import Counter

import pytest

from submissions.models import ApiToken, Exit, State, Submission
from submissions.queue.wakeups import send
from tests.faults.site import REAP_SECONDS, Piece, Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]

WIPED = "broker killed and its data wiped with 20 queued"
DOWN = "broker down at submit"
SHORT = "5 s broker outage during training"
WAKE_UPS = "100 extra wake-ups; visibility timeout shorter than a job"


def all_end(submissions: list[Submission], *, seconds: float) -> None:
    numbers = [submission.pk for submission in submissions]
    until(
        lambda: not Submission.objects.live().filter(pk__in=numbers).exists(),
        seconds=seconds,
        what="the end of them all",
    )


@pytest.mark.fault(WIPED)
def test_a_broker_that_is_killed_and_forgets_everything_loses_no_submission(site: Site, measured, scored_once):
    site.start(slots=2)
    queued = [site.submit("sleep", seconds=0.5, group=1 + number % 5) for number in range(20)]

    site.pieces[0].kill()
    time.sleep(1)
    left = Submission.objects.filter(state=State.QUEUED).count()
    site.start_broker(empty=True)
    back = time.monotonic()
    until(
        lambda: Submission.objects.filter(state=State.QUEUED).count() < left,
        seconds=120,
        what="a claim after the broker's return",
    )
    measured("consuming again after", time.monotonic() - back, at_most=120)

    all_end(queued, seconds=120)
    scored_once(*queued)


@pytest.mark.fault(DOWN)
def test_a_submission_is_taken_while_the_broker_is_down_and_starts_when_it_is_back(site: Site, measured, scored_once):
    site.start()
    url = site.start_web()
    user, group = site.member_of(1)
    token = ApiToken.objects.create(user=user, group=group, name="laptop")[1]

    def post() -> int:
        request = urllib.request.Request(
            f"{url}/api/v1/submissions/",
            data=json.dumps({"model": {"family": "knn"}}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Token {token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["id"]

    first = until(lambda: _or_none(post), seconds=30, what="the web process")
    site.wait(Submission.objects.get(pk=first))
    site.pieces[0].kill()
    began = time.monotonic()
    number = post()
    measured("submitted within", time.monotonic() - began, at_most=10)
    time.sleep(20)  # long enough for every part to have lost patience
    site.start_broker()
    back = time.monotonic()
    site.wait(Submission.objects.get(pk=number), State.RUNNING, State.SCORED, seconds=60)
    measured("training after the broker's return began after", time.monotonic() - back, at_most=30)

    scored_once(site.wait(Submission.objects.get(pk=number)))


def _or_none(act):
    try:
        return act()
    except OSError:
        return None


@pytest.mark.fault(DOWN)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_broker_that_hangs_holds_a_submitter_up_for_less_than_ten_seconds(site: Site, measured):
    piece = site.start_broker()
    site.submit()
    piece.process.send_signal(19)

    began = time.monotonic()
    site.submit()
    measured("submitted to a broker that hangs within", time.monotonic() - began, at_most=10)


@pytest.mark.fault(SHORT)
def test_a_short_outage_of_the_broker_does_not_disturb_a_run(site: Site, measured, scored_once):
    site.start()
    submission = site.running(site.submit("sleep", seconds=9))

    site.pieces[0].kill()
    time.sleep(5)
    site.start_broker()
    site.wait(submission)

    measured("attempts", submission.attempts.count(), exactly=1)
    scored_once(submission)
    after = site.submit()
    site.wait(after)
    assert site.scored_once(after)


@pytest.mark.fault(WAKE_UPS)
def test_a_hundred_wake_ups_too_many_start_one_run_a_submission(site: Site, measured, scored_once):
    site.start(slots=2)
    submissions = [site.submit("sleep", seconds=1, group=number) for number in (1, 2, 3)]
    for _ in range(100):
        assert send("cpu")

    all_end(submissions, seconds=60)
    scored_once(*submissions)
    until(lambda: site.waiting() == 0, seconds=20, what="an empty queue")
    measured("runs of 3 jobs", sum(submission.attempts.count() for submission in submissions), exactly=3)


@pytest.mark.fault(WAKE_UPS)
def test_a_message_delivered_again_while_its_job_runs_starts_nothing(site: Site, measured, scored_once):
    site.start_broker()
    workers = [site.start_worker(app="tests.faults.impatient") for _ in range(2)]
    for worker in [*workers, site.start_worker("upkeep")]:
        site.greeted(worker)
    site.start_beat()
    submission = site.running(site.submit("sleep", seconds=20))
    until(lambda: most_deliveries(workers) > 1, seconds=15, what="a second delivery while the job runs")
    assert site.exits(submission) == [""]
    site.wait(submission)

    measured("runs of a job whose wake-up came twice", submission.attempts.count(), exactly=1)
    assert site.exits(submission) == [Exit.SCORED]
    scored_once(submission)


def most_deliveries(workers: list[Piece]) -> int:
    """How often the wake-up that came most often was received by these workers."""
    received = re.findall(r"workers\.work_one\[([0-9a-f-]+)\] received", "".join(worker.said for worker in workers))
    return max(Counter(received).values(), default=0)


def test_an_upkeep_round_finds_what_lost_its_wake_up(site: Site, measured):
    site.start_broker()
    lost = site.submit()
    site.pieces[0].kill()
    site.pieces.clear()
    site.start_broker(empty=True)
    for worker in (site.start_worker("upkeep"), site.start_worker()):
        site.greeted(worker)
    site.start_beat()
    began = time.monotonic()
    site.wait(lost)
    measured("scored after beat's start", time.monotonic() - began, at_most=15 + REAP_SECONDS)
    assert site.scored_once(lost)
