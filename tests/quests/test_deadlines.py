"""Opening, closing and the day of the quota by the quest's zone, to the second, when the clocks change too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from submissions.models import Quest, Submission
from tests.desk.test_quests import form_of

pytestmark = pytest.mark.slow

SECOND = timedelta(seconds=1)
COPENHAGEN = "Europe/Copenhagen"

# As typed at the desk, and the moment that it is. At 2 o'clock on 29 March the clocks go on to 3, and at 3 o'clock on
# 25 October back to 2: that night there are two moments called 02:30, and in March none.
TYPED = [
    ("2026-03-29T01:59:59", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
    ("2026-03-29T03:00:00", datetime(2026, 3, 29, 1, 0, 0, tzinfo=UTC)),
    ("2026-03-29T23:59:59", datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC)),
    ("2026-10-25T01:59:59", datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC)),
    ("2026-10-25T03:00:00", datetime(2026, 10, 25, 2, 0, 0, tzinfo=UTC)),
    ("2026-10-25T23:59:59", datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC)),
]


@pytest.fixture
def api(owner_token) -> Client:
    return Client(headers={"Authorization": f"Token {owner_token}"})


@pytest.fixture
def by_form(owner_client, quest):
    def by_form() -> bool:
        data = {"way": "paste", "quest": quest.pk, "key": str(timezone.now()), "model": "KNeighborsClassifier()"}
        return "Location" in owner_client.post("/submit/", data).headers

    return by_form


@pytest.fixture
def by_api(api):
    def by_api() -> bool:
        body = json.dumps({"model": "KNeighborsClassifier()"})
        answer = api.post("/api/v1/submissions/", body, content_type="application/json")
        return {201: True, 403: False}[answer.status_code]

    return by_api


@pytest.fixture(params=["by_form", "by_api"])
def is_taken(request):
    """Submit, by form or by API; whether it was taken."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def clock(monkeypatch):
    def clock(at: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: at)

    return clock


def type_in(client: Client, quest: Quest, **times: str) -> Quest:
    """Set the quest's times at the desk."""
    client.post(f"/desk/quests/{quest.pk}/", form_of(quest, time_zone=COPENHAGEN, **times))
    return Quest.objects.get(pk=quest.pk)


@pytest.mark.parametrize(("typed", "moment"), TYPED)
def test_a_closing_time_is_the_moment_that_was_typed_and_holds_to_the_second(
    quest, instructor_client, is_taken, clock, typed, moment
):
    assert type_in(instructor_client, quest, closes_at=typed).closes_at == moment

    clock(moment - SECOND)
    assert is_taken()
    clock(moment)
    assert not is_taken()
    assert Submission.objects.count() == 1


@pytest.mark.parametrize(("typed", "moment"), TYPED)
def test_an_opening_time_holds_to_the_second(quest, instructor_client, is_taken, clock, typed, moment):
    assert type_in(instructor_client, quest, opens_at=typed).opens_at == moment

    clock(moment - SECOND)
    assert not is_taken()
    clock(moment)
    assert is_taken()


@pytest.mark.parametrize("typed", ["2026-03-29T02:30:00", "2026-10-25T02:30:00"])
@pytest.mark.parametrize("field", ["opens_at", "closes_at"])
def test_a_time_that_does_not_exist_or_exists_twice_is_refused(quest, instructor_client, field, typed):
    response = instructor_client.post(
        f"/desk/quests/{quest.pk}/", form_of(quest, time_zone=COPENHAGEN, **{field: typed})
    )

    assert "it may be ambiguous or it may not exist" in response.content.decode()
    assert getattr(Quest.objects.get(pk=quest.pk), field) is None


@pytest.mark.parametrize(("typed", "moment"), TYPED)
def test_the_desk_shows_the_time_as_it_was_typed(quest, instructor_client, typed, moment):
    type_in(instructor_client, quest, closes_at=typed)

    assert f'value="{typed}"' in instructor_client.get(f"/desk/quests/{quest.pk}/").content.decode()


def test_the_api_gives_the_moment_with_its_offset(quest, instructor_client, api):
    type_in(instructor_client, quest, closes_at="2026-10-25T03:00:00")

    (shown,) = api.get("/api/v1/quests/").json()["results"]

    assert datetime.fromisoformat(shown["closes_at"]) == datetime(2026, 10, 25, 2, tzinfo=UTC)
    assert shown["time_zone"] == COPENHAGEN


# Half past midnight on the day of the change, when the quota is spent, and the midnight at which the next day begins.
DAYS = [
    (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), datetime(2026, 3, 29, 22, 0, tzinfo=UTC), "30/03"),
    (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), datetime(2026, 10, 25, 23, 0, tzinfo=UTC), "26/10"),
]


@pytest.mark.parametrize(("spent", "midnight", "day"), DAYS)
def test_a_quota_is_spent_for_23_or_25_hours_when_the_clocks_change(
    quest, api, owner_client, by_form, clock, spent, midnight, day
):
    Quest.objects.update(daily_quota=1, time_zone=COPENHAGEN)
    clock(spent)
    assert by_form()

    refused = api.post(
        "/api/v1/submissions/", json.dumps({"model": "KNeighborsClassifier()"}), content_type="application/json"
    )
    page = owner_client.get("/submit/").content.decode()

    assert refused.status_code == 429
    assert int(refused["Retry-After"]) == pytest.approx((midnight - spent).total_seconds(), abs=1)
    assert f"submit again at 00:00 on {day}" in refused.json()["errors"][0]["message"]
    assert f"You can submit again at 00:00 on {day} (Europe/Copenhagen)" in page


@pytest.mark.parametrize(("spent", "midnight", "day"), DAYS)
def test_a_new_day_begins_at_midnight_to_the_second(quest, by_form, clock, spent, midnight, day):
    Quest.objects.update(daily_quota=1, time_zone=COPENHAGEN)
    clock(spent)
    by_form()

    clock(midnight - SECOND)
    assert not by_form()
    clock(midnight)
    assert by_form()


def test_the_same_deadline_is_another_moment_in_another_zone(quest, is_taken, clock):
    Quest.objects.update(time_zone="America/New_York", closes_at=datetime(2026, 11, 1, 6, 30, tzinfo=UTC))

    clock(datetime(2026, 11, 1, 6, 29, 59, tzinfo=UTC))
    assert is_taken(), "01:29:59 for the second time that night"
    clock(datetime(2026, 11, 1, 6, 30, tzinfo=UTC))
    assert not is_taken()
