"""Extensions: more submissions, or a deadline of its own, for one group, with a reason that the group reads."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from submissions.models import Course, DeskEvent, Extension, Group, Quest, QuestState, Submission
from submissions.quests import eligibility, quotas
from submissions.quests.extensions import extend
from submissions.quests.refusal import Refused
from tests.cast import KNN

pytestmark = pytest.mark.slow

PASTED = "KNeighborsClassifier(n_neighbors=4, weights='distance')"


@pytest.fixture
def over(quest) -> Quest:
    """The quest, whose own time was over an hour ago; an instructor has not closed it."""
    quest.closes_at = timezone.now().replace(microsecond=0) - timedelta(hours=1)
    quest.time_zone = "Europe/Copenhagen"
    quest.save()
    return quest


@pytest.fixture
def later() -> datetime:
    return timezone.now().replace(microsecond=0) + timedelta(days=1)


@pytest.fixture
def extended(over, group, instructor, later) -> Extension:
    return extend(quest=over, group=group, user=instructor, closes_at=later, reason="A laptop was stolen.")


@pytest.fixture
def api(owner_token) -> Client:
    return Client(headers={"Authorization": f"Token {owner_token}"})


def post(client: Client, **more):
    body = {"model": KNN, **more}
    return client.post("/api/v1/submissions/", json.dumps(body), content_type="application/json")


def grant(client: Client, quest: Quest, **form):
    data = {"extra_submissions": "0", "closes_at": "", "reason": "Ill.", **form}
    return client.post(f"/desk/quests/{quest.pk}/extensions/", data, follow=True)


def test_a_group_with_its_own_deadline_goes_on_submitting_and_the_others_do_not(
    extended, submit, stranger, other_group, group
):
    assert submit().group == group
    with pytest.raises(Refused, match="closed"):
        submit(submitter=stranger, group=other_group)


def test_a_groups_own_deadline_holds_to_the_second(extended, submit, later, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: later - timedelta(seconds=1))
    submit()
    monkeypatch.setattr(timezone, "now", lambda: later)

    with pytest.raises(Refused) as refused:
        submit()
    assert f"{later.astimezone(extended.quest.zone):%H:%M:%S}" in str(refused.value)


def test_the_form_accepts_the_group_after_the_quests_closing_time(extended, owner_client, stranger_client):
    page = owner_client.get("/submit/").content.decode()
    response = owner_client.post("/submit/", {"way": "paste", "quest": extended.quest_id, "key": "k", "model": PASTED})

    assert "The quest closes for ITMALGrp01 on" in page
    assert "A laptop was stolen." in page
    assert response.headers["Location"].startswith("/submissions/")
    assert "closed" in stranger_client.get("/submit/").content.decode()


def test_the_api_accepts_the_group_with_and_without_naming_the_quest(extended, api, stranger_client):
    assert post(api).status_code == 201
    assert post(api, quest=extended.quest_id).status_code == 201
    assert post(stranger_client).status_code == 403
    assert post(stranger_client, quest=extended.quest_id).status_code == 403


def test_the_api_shows_the_groups_own_deadline(extended, api, stranger_client, client, later):
    (mine,) = api.get("/api/v1/me/").json()["quests"]

    assert datetime.fromisoformat(mine["closes_at"]) == later
    assert mine["extensions"][0]["reason"] == "A laptop was stolen."
    assert api.get("/api/v1/quests/").json()["results"][0]["accepting"] is True
    assert stranger_client.get("/api/v1/quests/").json()["results"][0]["accepting"] is False
    assert client.get("/api/v1/quests/").json()["results"][0]["accepting"] is False
    assert stranger_client.get("/api/v1/me/").json()["quests"] == []


def test_the_board_shows_a_groups_own_deadline_to_that_group_only(extended, owner_client, stranger_client, client):
    assert "The quest closes for ITMALGrp01 on" in owner_client.get("/").content.decode()
    assert "closes for ITMALGrp01" not in stranger_client.get("/").content.decode()
    assert "closes for ITMALGrp01" not in client.get("/").content.decode()


def test_the_group_page_shows_what_was_granted_to_those_who_see_it_whole(extended, owner_client, stranger_client):
    assert "A laptop was stolen." in owner_client.get("/groups/ITMALGrp01/").content.decode()
    assert "A laptop was stolen." not in stranger_client.get("/groups/ITMALGrp01/").content.decode()


def test_an_instructor_who_closes_the_quest_closes_it_for_all(extended, group):
    Quest.objects.update(state=QuestState.CLOSED)

    assert not quotas.is_open_for(Quest.objects.get(), group)


def test_the_newest_extension_holds_unless_the_quest_itself_closes_later(extended, over, group, instructor, later):
    sooner = later - timedelta(hours=3)
    extend(quest=over, group=group, user=instructor, closes_at=sooner, reason="A slip of the pen.")
    assert quotas.deadline(over, group) == sooner

    over.closes_at = later + timedelta(days=7)
    assert quotas.deadline(over, group) == over.closes_at
    assert quotas.own_deadline(over, group) is None


def test_a_closed_quests_message_gives_the_groups_own_deadline(extended, owner, later, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: later + timedelta(minutes=1))

    (why,) = eligibility.closed_reasons(owner)

    assert f"{later.astimezone(extended.quest.zone):%H:%M:%S}" in why


def test_extra_submissions_are_for_the_day_on_which_they_are_granted(quest, group, instructor, submit, monkeypatch):
    quest.daily_quota = 1
    quest.save()
    submit()
    extend(quest=quest, group=group, user=instructor, extra_submissions=2, reason="The worker was down.")
    assert (quotas.quota(quest, group).limit, quotas.quota(quest, group).left) == (3, 2)

    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    assert quotas.quota(quest, group).limit == 1


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ({"reason": " "}, "reason", "Give a reason"),
        ({"extra_submissions": 0}, "", "Give more submissions"),
        ({"extra_submissions": 100_000}, "extra_submissions", "0 to 1,000"),
        ({"closes_at": datetime(2020, 1, 1, tzinfo=UTC)}, "closes_at", "itself closes"),
    ],
)
def test_an_extension_that_extends_nothing_is_refused(over, group, instructor, more, field, words):
    with pytest.raises(Refused) as refused:
        extend(**{"quest": over, "group": group, "user": instructor, "extra_submissions": 1, "reason": "x", **more})

    assert refused.value.errors[0]["field"] == field
    assert words in str(refused.value)
    assert not Extension.objects.exists()


def test_a_past_deadline_and_a_revealed_quest_are_refused(over, group, instructor):
    lately = timezone.now() - timedelta(minutes=30)
    with pytest.raises(Refused, match="has already passed"):
        extend(quest=over, group=group, user=instructor, closes_at=lately, reason="x")
    Quest.objects.update(state=QuestState.REVEALED)
    with pytest.raises(Refused, match="is read-only"):
        extend(quest=over, group=group, user=instructor, extra_submissions=1, reason="x")


def test_no_quota_and_no_deadline_leave_nothing_to_extend(quest, group, instructor, later):
    Quest.objects.update(daily_quota=None)
    with pytest.raises(Refused, match="no daily quota"):
        extend(quest=quest, group=group, user=instructor, extra_submissions=1, reason="x")
    with pytest.raises(Refused, match="no closing time"):
        extend(quest=quest, group=group, user=instructor, closes_at=later, reason="x")


def test_a_group_of_another_course_is_refused(quest, instructor):
    elsewhere = Group.objects.create(course=Course.objects.create(name="Other"), name="Other")

    with pytest.raises(Refused, match="different courses"):
        extend(quest=quest, group=elsewhere, user=instructor, extra_submissions=1, reason="x")


def test_the_desks_history_tells_what_was_granted_by_whom_and_why(over, group, instructor, later, instructor_client):
    Quest.objects.update(daily_quota=5)
    extend(quest=over, group=group, user=instructor, extra_submissions=2, closes_at=later, reason="Ill.")

    event = DeskEvent.objects.get()
    assert (event.kind, event.user, event.about) == (DeskEvent.Kind.EXTENDED, instructor, "ITMALGrp01")
    until = f"{later.astimezone(over.zone):%d/%m/%Y at %H:%M:%S}"
    assert event.detail == f"Digits quest: 2 more today, open until {until}. Ill."
    page = " ".join(instructor_client.get("/desk/history/").content.decode().split())
    assert "instructor gave an extension to <strong>ITMALGrp01</strong>" in page


def test_an_extension_that_is_refused_is_no_line_of_the_history(over, group, instructor):
    with pytest.raises(Refused):
        extend(quest=over, group=group, user=instructor, reason="Ill.")

    assert not DeskEvent.objects.exists()


def test_the_desk_grants_in_the_quests_zone_and_lists_what_was_granted(over, group, instructor, instructor_client):
    own = (timezone.now() + timedelta(days=2)).astimezone(over.zone).replace(microsecond=0)

    page = grant(instructor_client, over, group=group.pk, closes_at=f"{own:%Y-%m-%dT%H:%M:%S}").content.decode()

    extension = Extension.objects.get()
    assert (extension.closes_at, extension.granted_by) == (own, instructor)
    assert "Granted to ITMALGrp01." in page
    assert "Ill." in page


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"reason": ""}, "This field is required."),
        ({}, "Give more submissions, a later deadline, or both."),
        ({"extra_submissions": "-1"}, "greater than or equal to 0"),
        ({"closes_at": "2020-01-01T00:00:00"}, "itself closes"),
        ({"closes_at": "2027-03-28T02:30:00"}, "interpreted in time zone Europe/Copenhagen"),
        ({"closes_at": "2027-10-31T02:30:00"}, "interpreted in time zone Europe/Copenhagen"),
        ({"group": "0", "extra_submissions": "1"}, "not one of the available choices"),
    ],
)
def test_the_desk_shows_errors_beside_their_fields(over, group, instructor_client, form, words):
    page = grant(instructor_client, over, **{"group": group.pk, **form})

    assert words in page.content.decode()
    assert not Extension.objects.exists()


def test_a_board_that_polls_learns_of_the_new_deadline(over, group, instructor, later, owner_client):
    beat = owner_client.get("/").context["snapshot"].etag
    assert owner_client.get(f"/?seen={beat}").status_code == 204

    extend(quest=over, group=group, user=instructor, closes_at=later, reason="Ill.")

    assert "The quest closes for ITMALGrp01 on" in owner_client.get(f"/?seen={beat}").content.decode()


def test_extra_submissions_are_taken_by_form_and_api_alike(quest, group, instructor, submit, owner_client, api):
    Quest.objects.update(daily_quota=1)
    submit()
    assert post(api).status_code == 429
    extend(quest=quest, group=group, user=instructor, extra_submissions=2, reason="The worker was down.")

    owner_client.post("/submit/", {"way": "paste", "quest": quest.pk, "key": "k", "model": PASTED})

    assert post(api).status_code == 201
    assert Submission.objects.count() == 3
