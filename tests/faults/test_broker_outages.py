"""The broker dies, loses its data, is away or delivers twice. The row in the database is the job, so no run is lost."""

import json
import re
import signal
import time
import urllib.request
from collections import Counter

import pytest

from submissions.models import ApiToken, Exit, State, Submission
from submissions.queue.wakeups import send
from tests.faults.site import REAP_SECONDS, ServiceProcess, Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]

WIPED = "broker killed and its data wiped with 20 queued"
DOWN = "broker down at submit"
SHORT = "5 s broker outage during training"
WAKE_UPS = "100 extra wake-ups; visibility timeout shorter than a job"


def wait_for_all(submissions: list[Submission], *, seconds: float) -> None:
    numbers = [submission.pk for submission in submissions]
    until(
        lambda: not Submission.objects.live().filter(pk__in=numbers).exists(),
        seconds=seconds,
        what="the end of all submissions",
    )


@pytest.mark.fault(WIPED)
def test_a_broker_that_is_killed_and_wiped_loses_no_submission(site: Site, measured, scored_once):
    site.start(slots=2)
    queued = [site.submit("sleep", seconds=0.5, group=1 + number % 5) for number in range(20)]

    site.processes[0].kill()
    time.sleep(1)
    queued_before = Submission.objects.filter(state=State.QUEUED).count()
    site.start_broker(empty=True)
    restarted = time.monotonic()
    until(
        lambda: Submission.objects.filter(state=State.QUEUED).count() < queued_before,
        seconds=120,
        what="a claim after the broker's return",
    )
    measured("broker wiped, next claim after", time.monotonic() - restarted, at_most=120)

    wait_for_all(queued, seconds=120)
    scored_once(*queued)


@pytest.mark.fault(DOWN)
def test_a_submission_is_accepted_without_a_broker_and_starts_when_it_returns(site: Site, measured, scored_once):
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

    first = until(lambda: _unless_refused(post), seconds=30, what="the web process")
    site.wait(Submission.objects.get(pk=first))
    site.processes[0].kill()
    began = time.monotonic()
    number = post()
    measured("submission accepted within", time.monotonic() - began, at_most=10)
    time.sleep(20)  # longer than every timeout
    site.start_broker()
    restarted = time.monotonic()
    site.wait(Submission.objects.get(pk=number), State.RUNNING, State.SCORED, seconds=60)
    measured("broker back, training began after", time.monotonic() - restarted, at_most=30)

    scored_once(site.wait(Submission.objects.get(pk=number)))


def _unless_refused(call):
    try:
        return call()
    except OSError:
        return None


@pytest.mark.fault(DOWN)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_hanging_broker_delays_a_submission_by_less_than_ten_seconds(site: Site, measured):
    broker = site.start_broker()
    site.submit()
    broker.process.send_signal(signal.SIGSTOP)

    began = time.monotonic()
    site.submit()
    measured("submission accepted while the broker hangs within", time.monotonic() - began, at_most=10)


@pytest.mark.fault(SHORT)
def test_a_short_outage_of_the_broker_does_not_disturb_a_run(site: Site, measured, scored_once):
    site.start()
    submission = site.wait_until_running(site.submit("sleep", seconds=9))

    site.processes[0].kill()
    time.sleep(5)
    site.start_broker()
    site.wait(submission)

    measured("attempts", submission.attempts.count(), exactly=1)
    scored_once(submission)
    next_one = site.submit()
    site.wait(next_one)
    assert site.scored_once(next_one)


@pytest.mark.fault(WAKE_UPS)
def test_a_hundred_extra_wake_ups_start_one_run_per_submission(site: Site, measured, scored_once):
    site.start(slots=2)
    submissions = [site.submit("sleep", seconds=1, group=number) for number in (1, 2, 3)]
    for _ in range(100):
        assert send("cpu")

    wait_for_all(submissions, seconds=60)
    scored_once(*submissions)
    until(lambda: site.queued_wake_ups() == 0, seconds=20, what="an empty queue")
    measured("runs of 3 jobs", sum(submission.attempts.count() for submission in submissions), exactly=3)


@pytest.mark.fault(WAKE_UPS)
def test_a_message_redelivered_while_its_job_runs_starts_no_second_run(site: Site, measured, scored_once):
    site.start_broker()
    workers = [site.start_worker(app="tests.faults.redelivery") for _ in range(2)]
    for worker in [*workers, site.start_worker("upkeep")]:
        site.wait_until_ready(worker)
    site.start_beat()
    submission = site.wait_until_running(site.submit("sleep", seconds=20))
    until(lambda: most_deliveries(workers) > 1, seconds=15, what="a second delivery while the job runs")
    assert site.exits(submission) == [""]
    site.wait(submission)

    measured("runs of a job with a redelivered wake-up", submission.attempts.count(), exactly=1)
    assert site.exits(submission) == [Exit.SCORED]
    scored_once(submission)


def most_deliveries(workers: list[ServiceProcess]) -> int:
    """The highest number of times that these workers received one wake-up."""
    received = re.findall(r"workers\.work_one\[([0-9a-f-]+)\] received", "".join(worker.output for worker in workers))
    return max(Counter(received).values(), default=0)


def test_an_upkeep_round_finds_a_submission_without_a_wake_up(site: Site, measured):
    site.start_broker()
    lost = site.submit()
    site.processes[0].kill()
    site.processes.clear()
    site.start_broker(empty=True)
    for worker in (site.start_worker("upkeep"), site.start_worker()):
        site.wait_until_ready(worker)
    site.start_beat()
    began = time.monotonic()
    site.wait(lost)
    measured("scored after beat's start", time.monotonic() - began, at_most=15 + REAP_SECONDS)
    assert site.scored_once(lost)
