"""Models that eat all memory, crash their interpreter or will not end: each gets its answer, and nobody else pays."""

import time

import pytest

from submissions.models import Exit, State
from tests.faults.site import Site
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]


def test_a_model_that_outgrows_the_memory_limit_fails_after_two_attempts_with_a_reason(site: Site):
    (worker,) = site.start()
    site.set_quest(memory_mb=700)
    greedy = site.submit("eat")
    ended = site.wait(greedy)

    assert ended.state == State.FAILED
    assert site.exits(greedy) == [Exit.OUT_OF_MEMORY, Exit.OUT_OF_MEMORY]
    assert "more memory than the quest allows (700 MB)" in ended.reason
    assert "smaller model" in ended.reason
    after = site.submit(group=2)
    assert site.wait(after).state == State.SCORED
    assert site.scored_once(after)
    assert worker.process.poll() is None


def test_a_model_that_crashes_its_interpreter_each_time_fails_after_three_attempts(site: Site):
    site.start()
    doomed = site.submit("abort")
    ended = site.wait(doomed)

    assert ended.state == State.FAILED
    assert site.exits(doomed) == [Exit.CRASHED] * 3
    assert "crashed each time" in ended.reason
    assert not hasattr(ended, "score")


def test_models_that_crash_do_not_slow_the_other_groups_down(site: Site, measured):
    """Two slots, two groups that hand in plain work, beside a third whose models are well – and then all crash.

    A third group takes its fair share either way: six runs of a second each, about what a crash and a new trainer take.
    """
    site.start(slots=2)

    def seconds_for_the_others() -> float:
        began = time.monotonic()
        handed_in = [site.submit("sleep", seconds=0.5, group=2 + number % 2) for number in range(16)]
        for submission in handed_in:
            site.wait(submission)
            assert site.scored_once(submission)
        return time.monotonic() - began

    seconds_for_the_others()  # trainers warm
    well = [site.submit("sleep", seconds=1, group=9) for _ in range(6)]
    beside_the_well = seconds_for_the_others()
    assert {site.wait(submission).state for submission in well} == {State.SCORED}
    crashing = [site.submit("abort", group=9) for _ in range(2)]
    beside = seconds_for_the_others()

    words = f"16 runs of others beside six crashes (beside six that are well: {beside_the_well:.1f} s)"
    measured(words, beside, at_most=1.5 * beside_the_well + 3)
    assert {site.wait(submission).state for submission in crashing} == {State.FAILED}


def test_a_model_that_ignores_every_signal_is_ended_at_the_time_limit(site: Site, measured):
    (worker,) = site.start()
    site.set_quest(run_seconds=3)
    stubborn = site.running(site.submit("defy"))
    trainer = worker.trainers()[0]
    began = stubborn.attempts.get().started_at.timestamp()
    ended = site.wait(stubborn)

    assert ended.state == State.TIMED_OUT
    measured("timed out after (limit 3 s)", ended.finished_at.timestamp() - began, at_most=3 + 15)
    until(lambda: not trainer.is_running(), seconds=5, what="the trainer's end")
    assert site.exits(stubborn) == [Exit.TIMED_OUT]
    assert "quest's limit for one run" in ended.reason
