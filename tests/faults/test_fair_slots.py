"""A group that hands in two hundred starves nobody, and no slot sleeps while somebody may use it."""

import os
from datetime import datetime, timedelta

import pytest

from submissions.intake.submit import submit
from submissions.models import Attempt, Quest, QuestState, State, Submission
from tests.faults.site import Site, end_of, odd_model
from tests.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.trains]
QUEUES = "group A queues 200, then group B one"


@pytest.mark.fault(QUEUES)
def test_a_group_that_hands_in_one_takes_the_next_free_slot_from_one_that_handed_in_two_hundred(
    site: Site, measured, scored_once
):
    site.start(slots=2)
    for _ in range(200):
        site.submit("sleep", seconds=0.7, group=1)
    going = Attempt.objects.filter(ended_at=None)
    until(lambda: going.count() == 2, seconds=30, what="both slots at work")

    modest = site.submit("sleep", seconds=0.7, group=2)
    accepted = modest.submitted_at
    site.wait(modest, State.RUNNING, seconds=10)

    overtaking = Attempt.objects.filter(submission__group__name="ITMALGrp01", started_at__gt=accepted)
    begun = modest.attempts.get().started_at
    measured("runs of A that began before B's one", overtaking.filter(started_at__lt=begun).count(), exactly=0)
    site.wait(modest)
    scored_once(modest)


@pytest.mark.fault(QUEUES)
def test_no_slot_idles_for_a_second_while_another_group_waits(site: Site, measured, scored_once):
    """Three slots, two runs a group at a time: one slot of three is always another group's."""
    site.start(slots=3)
    site.set_quest(group_limit=2)
    greedy = [site.submit("sleep", seconds=0.6, group=1) for _ in range(20)]
    until(lambda: site.waiting() == 0, seconds=60, what="every wake-up used")
    others = [site.submit("sleep", seconds=0.6, group=2 + number % 3) for number in range(12)]
    for submission in [*greedy, *others]:
        site.wait(submission, seconds=120)

    attempts = list(Attempt.objects.select_related("submission").order_by("started_at"))
    assert most_at_a_time(attempts, group="ITMALGrp01") == 2
    measured("a slot idled at most", longest_idle(attempts, others, slots=3), at_most=a_second())
    scored_once(*greedy, *others)


def a_second() -> float:
    """Longer where more than four processes want each core: then every step of a claim waits for its turn."""
    wanting = os.getloadavg()[0] / (os.cpu_count() or 1)
    return round(max(1.0, wanting / 4), 1)


def test_exclusive_runs_overlap_with_nothing_and_every_slot_goes_on_after_them(site: Site, measured):
    site.start(slots=2)
    user, team = site.member_of(4)
    timed = Quest.objects.create(
        course=site.quest.course, name="Timed", dataset="digits", state=QuestState.OPEN, exclusive=True
    )
    usual = [site.submit("sleep", seconds=0.6, group=1 + number % 3) for number in range(6)]
    spec = odd_model("sleep", seconds=0.4)
    alone = [submit(quest=timed, submitter=user, group=team, spec=spec)[0] for _ in range(2)]
    usual += [site.submit("sleep", seconds=0.6, group=1 + number % 3) for number in range(6)]
    for submission in [*usual, *alone]:
        site.wait(submission, seconds=120)

    attempts = list(Attempt.objects.order_by("started_at"))
    exclusive = [attempt for attempt in attempts if attempt.exclusive]
    assert {attempt.submission_id for attempt in exclusive} == {submission.pk for submission in alone}
    for attempt in exclusive:
        assert not [one.pk for one in attempts if one.pk != attempt.pk and overlap(one, attempt)]
    ended = end_of(exclusive[0])
    next_begun = min(one.started_at for one in attempts if one.started_at >= ended)
    measured("the slots went on after", (next_begun - ended).total_seconds(), at_most=2)
    assert max(going(attempts, one.started_at) for one in attempts) == 2


def overlap(one: Attempt, other: Attempt) -> bool:
    return one.started_at < end_of(other) and other.started_at < end_of(one)


def most_at_a_time(attempts: list[Attempt], *, group: str) -> int:
    own = [attempt for attempt in attempts if attempt.submission.owner_name == group]
    return max(sum(one.started_at <= other.started_at < end_of(one) for one in own) for other in own)


def longest_idle(attempts: list[Attempt], others: list[Submission], *, slots: int) -> float:
    """The longest stretch in which fewer than `slots` ran though one of `others` waited."""
    first_claims = {attempt.submission_id: attempt.started_at for attempt in reversed(attempts)}
    waits = [(one.submitted_at, first_claims[one.pk]) for one in others]
    changes = {at for attempt in attempts for at in (attempt.started_at, end_of(attempt))}
    moments = sorted(changes | {one.submitted_at for one in others})
    longest, since = timedelta(0), None
    for at in moments:
        idle = going(attempts, at) < slots and any(begin <= at < end for begin, end in waits)
        since = (since or at) if idle else None
        after = next((later for later in moments if later > at), at)
        if since:
            longest = max(longest, after - since)
    return longest.total_seconds()


def going(attempts: list[Attempt], at: datetime) -> int:
    return sum(attempt.started_at <= at < end_of(attempt) for attempt in attempts)
