"""A worker that can train nothing pauses itself; otherwise it would fail the whole queue in seconds."""

import pytest

from submissions.models import Duty, Exit, State, Worker
from tests.faults.site import Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]


def test_a_worker_without_data_fails_no_submission(site: Site):
    site.start(workers=0)
    bad = site.wait_until_ready(site.start_worker("cpu", QUEST_DATA_HOME="/dev/null/nowhere", QUEST_DATA=""))
    runs = [site.submit(group=group) for group in range(1, 5)]
    until(lambda: Worker.objects.get(pid=bad.pid).duty == Duty.PAUSED, seconds=60, what="the bad worker paused")
    good = site.wait_until_ready(site.start_worker("cpu"))

    ended = [site.wait(submission, seconds=120) for submission in runs]

    assert [submission.state for submission in ended] == [State.SCORED] * 4
    assert all(site.scored_once(submission) for submission in runs)
    exits = [exit_ for submission in runs for exit_ in site.exits(submission)]
    assert exits.count(Exit.LOST) == 1, "the bad worker got one run, and then no more"
    scorers = {submission.attempts.get(exit=Exit.SCORED).worker.pid for submission in runs}
    assert scorers == {good.pid}
    assert bad.process.poll() is None, "the bad worker still runs, so that somebody can repair it"
