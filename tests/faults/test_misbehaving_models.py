"""Models that take all memory, crash Python or never end: each fails with a reason, and other groups are unaffected."""

from statistics import median

import pytest

from submissions.models import Attempt, Exit, Score, State, Submission
from tests.faults.site import Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]
ABORTS = "a training that crashes its interpreter (`os.abort`) each time"


@pytest.mark.fault("trainer exceeds its memory limit")
def test_a_model_that_outgrows_the_memory_limit_fails_after_two_attempts_with_a_reason(
    site: Site, measured, scored_once
):
    (worker,) = site.start()
    site.set_quest(memory_mb=700)
    greedy = site.submit("eat")
    ended = site.wait(greedy)

    assert ended.state == State.FAILED
    measured("attempts", greedy.attempts.count(), exactly=2)
    assert site.exits(greedy) == [Exit.OUT_OF_MEMORY, Exit.OUT_OF_MEMORY]
    measured("score rows of the failed submission", score_count(greedy), exactly=0)
    assert "more memory than the quest allows (700 MB)" in ended.reason
    assert "smaller model" in ended.reason
    after = site.submit(group=2)
    assert site.wait(after).state == State.SCORED
    scored_once(after)
    assert Score.objects.count() == 1
    assert worker.process.poll() is None


@pytest.mark.fault(ABORTS)
def test_a_model_that_crashes_its_interpreter_each_time_fails_after_three_attempts(site: Site, measured):
    site.start()
    doomed = site.submit("abort")
    ended = site.wait(doomed)

    assert ended.state == State.FAILED
    assert site.exits(doomed) == [Exit.CRASHED] * 3
    assert "crashed each time" in ended.reason
    measured("attempts", doomed.attempts.count(), exactly=3)
    measured("score rows of the failed submission", score_count(doomed), exactly=0)


@pytest.mark.fault(ABORTS)
def test_crashing_models_do_not_slow_other_groups_down(site: Site, measured):
    """Three slots, and one run per group at a time. Two groups submit usual models, alone and beside crashing models.

    The two cases alternate, so that other load on the machine affects both. The measured time of a run begins when its
    group may start it, so it includes the wait for a slot and for a trainer.
    """
    site.start(slots=3)
    site.set_quest(group_limit=1)
    run_others(site)  # warms the trainers
    alone, beside = [], []
    for _ in range(3):
        alone += run_others(site)
        crashing = [site.submit("abort", group=9) for _ in range(2)]
        beside += run_others(site)
        assert {site.wait(submission).state for submission in crashing} == {State.FAILED}

    measured("median run of the other groups, alone", median(alone))
    measured(
        "median run of the other groups, beside crashing models", median(beside), at_most=round(1.5 * median(alone), 2)
    )
    assert not Score.objects.filter(submission__group__name="ITMALGrp09").exists()


def run_others(site: Site) -> list[float]:
    """Two groups submit five one-second models each; the seconds of each run since its group's previous run ended."""
    submitted = [site.submit("sleep", seconds=1, group=2 + number % 2) for number in range(10)]
    for submission in submitted:
        site.wait(submission)
        assert site.scored_once(submission)
    seconds = []
    for team in (2, 3):
        own = [one.pk for one in submitted if one.group == site.member_of(team)[1]]
        free = submitted[-1].submitted_at
        for run in Attempt.objects.filter(submission__in=own).order_by("started_at"):
            ended = run.ended_at or free
            seconds.append((ended - free).total_seconds())
            free = ended
    return seconds


@pytest.mark.fault("a training that ignores SIGTERM past its limit")
def test_a_model_that_ignores_every_signal_is_killed_at_the_time_limit(site: Site, measured, scored_once):
    (worker,) = site.start()
    before = site.submit(group=2)
    site.wait(before)  # warms the trainer: on a busy machine its start takes longer than the limit
    usual = site.quest.run_seconds
    site.set_quest(run_seconds=5)
    stubborn = site.wait_until_running(site.submit("defy"))
    trainer = worker.trainers()[0]
    began = stubborn.attempts.get().started_at.timestamp()
    ended = site.wait(stubborn)

    assert ended.state == State.TIMED_OUT
    assert ended.finished_at
    measured("timed out after (limit 5 s)", ended.finished_at.timestamp() - began, at_most=5 + 15)
    until(lambda: not trainer.is_running(), seconds=5, what="the trainer's end")
    assert site.exits(stubborn) == [Exit.TIMED_OUT]
    assert "quest's limit for one run" in ended.reason
    measured("score rows of the timed-out submission", score_count(stubborn), exactly=0)
    site.set_quest(run_seconds=usual)
    after = site.submit(group=2)
    site.wait(after)
    scored_once(before, after)
    assert Score.objects.count() == 2


def score_count(submission: Submission) -> int:
    return Score.objects.filter(submission=submission).count()
