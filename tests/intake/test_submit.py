"""Submitting: quotas, deadlines, permissions, and the same request twice."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from submissions.intake import submit as intake
from submissions.models import Quest, QuestState, Submission
from submissions.quests import quotas
from submissions.quests.lifecycle import QuestMoveRefused, move_quest
from submissions.quests.refusal import Refused
from submissions.queue import lifecycle
from submissions.specs.spec import SpecError
from submissions.specs.validation import validate
from tests.cast import KNN, claim_one, reload


def refusal(call):
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


def test_a_new_submission_stores_its_notation_spec_and_device(submission, owner, group):
    assert submission.notation == "KNeighborsClassifier(n_neighbors=4, weights='distance')"
    assert submission.headline == submission.notation
    assert submission.spec["n_neighbors"] == 4
    assert submission.parameters is None
    assert submission.model == validate(KNN, dataset="digits")
    assert (submission.submitter, submission.group, submission.device) == (owner, group, "cpu")
    assert submission.events.get().kind == "submitted"


def test_the_members_of_a_group_share_its_daily_quota(quest, submit, colleague):
    quest.daily_quota = 2
    quest.save()
    submit(), submit(submitter=colleague)

    refused = refusal(submit)

    assert refused.status == 429
    assert refused.retry_after > timedelta(0)
    assert "used its 2 submissions for today" in str(refused)
    assert Submission.objects.count() == 2


def test_a_quota_restarts_at_midnight_in_the_quests_time_zone(quest, submit, group, monkeypatch):
    quest.daily_quota, quest.time_zone = 1, "Europe/Copenhagen"
    quest.save()
    zone = ZoneInfo(quest.time_zone)
    # The night in which the clocks go back: the day has 25 hours, and midnight is still midnight.
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 10, 25, 23, 59, tzinfo=zone))
    submit()

    quota = quotas.quota(quest, group)
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 10, 26, 0, 0, 1, tzinfo=zone))

    assert quota.left == 0
    assert quota.next_at
    assert quota.next_at.astimezone(zone) == datetime(2026, 10, 26, tzinfo=zone)
    assert quotas.quota(quest, group).left == 1


def test_a_refusal_names_the_next_possible_time_to_the_minute(quest, submit):
    quest.min_interval_seconds = 600
    quest.save()
    first = submit()

    refused = refusal(submit)

    free = (first.submitted_at + timedelta(seconds=600)).astimezone(quest.zone)
    assert f"submit again at {free:%H:%M}" in str(refused)


def test_a_submission_cancelled_while_queued_costs_no_quota(quest, submit, owner, group):
    submission = submit()
    lifecycle.cancel(submission, user=owner)

    assert quotas.quota(quest, group).used == 0


def test_without_a_quota_there_is_no_limit(quest, group):
    quest.daily_quota = None
    quest.save()

    assert quotas.quota(quest, group) == quotas.Quota(limit=None, used=0, left=None, next_at=None)


@pytest.mark.parametrize("state", [QuestState.DRAFT, QuestState.CLOSED, QuestState.REVEALED, QuestState.ARCHIVED])
def test_only_an_open_quest_accepts_submissions(quest, submit, state):
    Quest.objects.filter(pk=quest.pk).update(state=state)

    assert refusal(submit).errors[0]["field"] == "quest"
    assert not Submission.objects.exists()


def test_the_deadline_holds_to_the_second(quest, submit, monkeypatch):
    closes = timezone.now().replace(microsecond=0)
    Quest.objects.filter(pk=quest.pk).update(closes_at=closes)

    monkeypatch.setattr(timezone, "now", lambda: closes - timedelta(seconds=1))
    submit()
    monkeypatch.setattr(timezone, "now", lambda: closes)

    assert "closed" in str(refusal(submit))


def test_a_refusal_before_the_quest_opens_says_when_it_opens(quest, submit):
    Quest.objects.filter(pk=quest.pk).update(opens_at=timezone.now() + timedelta(days=1))

    assert "opens" in str(refusal(submit))


def test_a_request_repeated_with_its_key_returns_the_same_submission(submit, quest, owner, group):
    spec = validate(KNN, dataset="digits")
    request = {"quest": quest, "submitter": owner, "group": group, "spec": spec, "idempotency_key": "k"}

    first, new = intake.submit(**request)
    second, again = intake.submit(**request)

    assert (new, again) == (True, False)
    assert first == second


def test_the_same_key_with_another_model_is_a_conflict(submit):
    submit(idempotency_key="k")

    assert refusal(lambda: submit({"family": "knn"}, idempotency_key="k")).status == 409


def test_without_a_group_a_student_is_refused_and_an_instructor_is_out_of_competition(submit, instructor, db):
    nobody = instructor.__class__.objects.create_user("nobody")

    assert refusal(lambda: submit(group=None, submitter=nobody)).status == 403
    assert submit(group=None, submitter=instructor).out_of_competition


def test_a_group_of_another_course_is_refused(submit, other_group, course):
    course.pk = None
    course.term = "spring"
    course.save()
    other_group.course = course
    other_group.save()

    assert refusal(lambda: submit(group=other_group)).status == 403


def test_a_device_that_the_family_does_not_run_on_is_refused(submit):
    assert refusal(lambda: submit(device="gpu")).errors[0]["field"] == "device"


def test_the_reveal_waits_for_queued_and_running_submissions(quest, submission, worker):
    move_quest(quest, QuestState.CLOSED)

    with pytest.raises(QuestMoveRefused, match="1 submission"):
        move_quest(quest, QuestState.REVEALED)

    claim_one(worker)
    assert reload(submission).state == "running", "submissions accepted before closing still run"


def test_a_quest_only_makes_allowed_moves(quest):
    with pytest.raises(QuestMoveRefused):
        move_quest(quest, QuestState.ARCHIVED)


def test_data_set_and_split_are_locked_by_the_first_submission(quest, submission):
    quest.dataset, quest.private_share, quest.name = "mnist", 0.5, "Renamed"

    with pytest.raises(ValidationError, match="Locked") as caught:
        quest.full_clean()

    assert set(caught.value.message_dict) == {"dataset", "private_share"}


def test_a_spec_for_other_images_or_beyond_the_quests_limits_is_refused(quest, submit, owner, group):
    quest.max_trees = 10
    quest.save()
    for_mnist = validate(
        {"family": "cnn", "layers": [{"kind": "Input", "shape": [784]}, {"kind": "Dense", "units": 10}]}
    )

    for spec in (for_mnist, validate({"family": "forest", "n_estimators": 11})):
        with pytest.raises(SpecError):
            intake.submit(quest=quest, submitter=owner, group=group, spec=spec)

    assert not Submission.objects.exists()
