"""A run in the notebook client: followed, cancelled, shown, listed."""

from __future__ import annotations

import httpx
import pytest

from mnist_quest import (
    RunFailed,
)
from tests.notebook_client import HERE, QUEUED, RUNNING, SCORED, answering

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("clean_environment")]


def test_a_run_is_followed_to_its_score(capsys):
    run = answering(QUEUED, QUEUED, RUNNING, SCORED).run(17).wait()

    assert (run.score, run.training_time, run.scoring_time, run.hardware) == (0.9714, 1.5, 0.5, "EPYC")
    assert capsys.readouterr().err.splitlines() == [
        "Run 17 is queued, number 1 in line",
        "Run 17 is training, epoch 2 of 5",
        "Run 17 scored 0.97140, trained in 1.50 s on EPYC",
    ]


def test_waiting_survives_an_outage():
    outage = [httpx.ConnectError("refused")] * 12

    assert answering(RUNNING, *outage, SCORED).run(17).wait(progress=False).score == 0.9714


def test_a_run_that_failed_raises_its_reason():
    failed = {**QUEUED, "state": "failed", "reason": "It needs more memory than the quest allows."}

    with pytest.raises(RunFailed, match="Run 17 failed: It needs more memory") as error:
        answering(RUNNING, failed).run(17).wait(progress=False)

    assert error.value.run.state == "failed"


def test_an_interrupt_stops_waiting_and_not_the_run(capsys):
    quest = answering(RUNNING, KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        quest.run(17).wait()

    said = capsys.readouterr().err
    assert "Run 17 continues on the service." in said
    assert "quest.run(17).wait() waits again, quest.run(17).cancel() cancels it." in said


def test_a_timeout_stops_waiting_and_not_the_run():
    with pytest.raises(TimeoutError, match=r"still running\. It continues"):
        answering(RUNNING, *[RUNNING] * 3).run(17).wait(0, progress=False)


def test_a_run_is_cancelled_and_one_that_has_ended_stays_as_it_is(service, submission):
    run = service.run(submission.pk)

    assert run.cancel().state == "cancelled"
    assert run.cancel().state == "cancelled"


def test_the_html_of_a_run_is_escaped():
    hostile = {**SCORED, "model": "<script>", "hardware": {"label": "<b>"}, "page": 'http://x/"><script>'}

    shown = answering(hostile).run(17)._repr_html_()

    assert "<script>" not in shown
    assert "0.97140" in shown


def test_runs_come_page_by_page_newest_first(service, submit):
    made = [submit({"family": "knn", "n_neighbors": number}).pk for number in range(1, 6)]

    assert [run.id for run in service.runs()] == made[::-1]
    assert [run.id for run in service.runs(2)] == made[:2:-1]
    assert "queued" in str(service.runs())
    assert list(service.runs().table()["run"]) == made[::-1]


def test_every_page_is_requested():
    pages = ({"results": [QUEUED] * 100, "next": "https://other.example.edu/api/v1/submissions/?cursor=abc&limit=100"},)
    seen: list[httpx.Request] = []

    runs = answering(*pages, {"results": [SCORED] * 3, "next": None}, seen=seen).runs(200)

    assert len(runs) == 103
    assert str(seen[1].url) == f"{HERE}/api/v1/submissions/?cursor=abc&limit=100"
