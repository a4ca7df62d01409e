"""A group that submits two hundred starves nobody, and no slot idles while another group may use it."""

import os
from datetime import datetime, timedelta

import pytest

from submissions.intake.submit import submit
from submissions.models import Attempt, Quest, QuestState, State, Submission
from tests.faults.site import Site, end_time_of, odd_model
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]
QUEUES = "group A queues 200, then group B one"


@pytest.mark.fault(QUEUES)
def test_a_group_with_one_submission_gets_the_next_free_slot_before_a_group_with_two_hundred(
    site: Site, measured, scored_once
):
    site.start(slots=2)
    for _ in range(200):
        site.submit("sleep", seconds=0.7, group=1)
    open_attempts = Attempt.objects.filter(ended_at=None)
    until(lambda: open_attempts.count() == 2, seconds=30, what="both slots at work")

    single = site.submit("sleep", seconds=0.7, group=2)
    accepted = single.submitted_at
    site.wait(single, State.RUNNING, seconds=10)

    overtaking = Attempt.objects.filter(submission__group__name="ITMALGrp01", started_at__gt=accepted)
    started = single.attempts.get().started_at
    measured("runs of A that began before B's run", overtaking.filter(started_at__lt=started).count(), exactly=0)
    site.wait(single)
    scored_once(single)


@pytest.mark.fault(QUEUES)
def test_no_slot_idles_for_a_second_while_another_group_waits(site: Site, measured, scored_once):
    """With three slots and at most two runs per group at a time, one slot is always left for other groups."""
    site.start(slots=3)
    site.set_quest(group_limit=2)
    greedy = [site.submit("sleep", seconds=0.6, group=1) for _ in range(20)]
    until(lambda: site.queued_wake_ups() == 0, seconds=60, what="every wake-up used")
    others = [site.submit("sleep", seconds=0.6, group=2 + number % 3) for number in range(12)]
    for submission in [*greedy, *others]:
        site.wait(submission, seconds=120)

    attempts = list(Attempt.objects.select_related("submission").order_by("started_at"))
    assert most_at_a_time(attempts, group="ITMALGrp01") == 2
    measured("longest time that a slot idled", longest_idle(attempts, others, slots=3), at_most=idle_limit())
    scored_once(*greedy, *others)


def idle_limit() -> float:
    """One second; longer with more than four busy processes per core, since each step of a claim waits for a core."""
    load_per_core = os.getloadavg()[0] / (os.cpu_count() or 1)
    return round(max(1.0, load_per_core / 4), 1)


def test_exclusive_runs_overlap_with_no_other_and_every_slot_continues_after_them(site: Site, measured):
    site.start(slots=2)
    user, team = site.member_of(4)
    exclusive_quest = Quest.objects.create(
        course=site.quest.course, name="Timed", dataset="digits", state=QuestState.OPEN, exclusive=True
    )
    shared = [site.submit("sleep", seconds=0.6, group=1 + number % 3) for number in range(6)]
    spec = odd_model("sleep", seconds=0.4)
    timed = [submit(quest=exclusive_quest, submitter=user, group=team, spec=spec)[0] for _ in range(2)]
    shared += [site.submit("sleep", seconds=0.6, group=1 + number % 3) for number in range(6)]
    for submission in [*shared, *timed]:
        site.wait(submission, seconds=120)

    attempts = list(Attempt.objects.order_by("started_at"))
    exclusive = [attempt for attempt in attempts if attempt.exclusive]
    assert {attempt.submission_id for attempt in exclusive} == {submission.pk for submission in timed}
    for attempt in exclusive:
        assert not [one.pk for one in attempts if one.pk != attempt.pk and overlapping(one, attempt)]
    ended = end_time_of(exclusive[0])
    next_start = min(one.started_at for one in attempts if one.started_at >= ended)
    measured("next start after an exclusive run", (next_start - ended).total_seconds(), at_most=2)
    assert max(running_at(attempts, one.started_at) for one in attempts) == 2


def overlapping(one: Attempt, other: Attempt) -> bool:
    return one.started_at < end_time_of(other) and other.started_at < end_time_of(one)


def most_at_a_time(attempts: list[Attempt], *, group: str) -> int:
    own = [attempt for attempt in attempts if attempt.submission.owner_name == group]
    return max(sum(one.started_at <= other.started_at < end_time_of(one) for one in own) for other in own)


def longest_idle(attempts: list[Attempt], others: list[Submission], *, slots: int) -> float:
    """Seconds of the longest time with fewer than `slots` runs while one of `others` waited."""
    first_claims = {attempt.submission_id: attempt.started_at for attempt in reversed(attempts)}
    waits = [(one.submitted_at, first_claims[one.pk]) for one in others]
    changes = {at for attempt in attempts for at in (attempt.started_at, end_time_of(attempt))}
    moments = sorted(changes | {one.submitted_at for one in others})
    longest, since = timedelta(0), None
    for at in moments:
        idle = running_at(attempts, at) < slots and any(begin <= at < end for begin, end in waits)
        since = (since or at) if idle else None
        after = next((later for later in moments if later > at), at)
        if since:
            longest = max(longest, after - since)
    return longest.total_seconds()


def running_at(attempts: list[Attempt], at: datetime) -> int:
    return sum(attempt.started_at <= at < end_time_of(attempt) for attempt in attempts)
