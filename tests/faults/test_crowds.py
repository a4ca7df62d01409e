"""Eight workers and fifty people who submit together: no lock errors, and every submission is scored once."""

import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from submissions.models import ApiToken, State, Submission
from tests.faults.site import Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]

PEOPLE, SUBMISSIONS_EACH = 50, 3


def post(url: str, token: str) -> tuple[int, float]:
    """The submission's number, and the seconds until the answer."""
    request = urllib.request.Request(
        f"{url}/api/v1/submissions/",
        data=json.dumps({"model": {"family": "knn"}}).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Token {token}"},
    )
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)["id"], time.monotonic() - began


@pytest.mark.fault("8 workers and 50 concurrent submitters on SQLite")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_eight_workers_and_fifty_submitters_cause_no_lock_error(site: Site, measured, scored_once):
    url = site.start_web()
    workers = site.start(workers=8)
    members = [site.member_of(number) for number in range(1, PEOPLE + 1)]
    tokens = [ApiToken.objects.create(user=user, group=group, name="laptop")[1] for user, group in members]

    with ThreadPoolExecutor(PEOPLE) as crowd:
        answers = list(crowd.map(lambda token: [post(url, token) for _ in range(SUBMISSIONS_EACH)], tokens))
    posted = [answer for person in answers for answer in person]
    measured("slowest of 150 answers", max(seconds for _, seconds in posted))

    numbers = [number for number, _ in posted]
    assert len(set(numbers)) == PEOPLE * SUBMISSIONS_EACH
    until(
        lambda: not Submission.objects.live().filter(pk__in=numbers).exists(),
        seconds=400,
        what="the end of them all",
    )
    ended = Submission.objects.filter(pk__in=numbers)
    assert set(ended.values_list("state", flat=True)) == {State.SCORED}
    scored_once(*ended)
    logs = "".join(process.output for process in site.processes)
    measured("lock errors in any log", logs.count("database is locked"), exactly=0)
    assert all(worker.process.poll() is None for worker in workers)
