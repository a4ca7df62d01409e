"""Which engine a submission runs on: the quest's default, or what its group asked for, where the quest lets it."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from submissions.intake import reruns
from submissions.models import Quest, Submission
from submissions.quests.refusal import Refused
from tests.cast import reload

pytestmark = pytest.mark.django_db
ONLY = [("accelerated_only", "stock"), ("stock_only", "accelerated")]


def set_policy(quest: Quest, policy: str) -> None:
    Quest.objects.filter(pk=quest.pk).update(engine_policy=policy)
    quest.refresh_from_db()


@pytest.fixture
def post(owner_token, quest):
    def post(**more: object):
        body = json.dumps({"model": "KNeighborsClassifier()", **more})
        client = Client(headers={"Authorization": f"Token {owner_token}"})
        return client.post("/api/v1/submissions/", body, content_type="application/json")

    return post


@pytest.mark.parametrize(
    ("policy", "default"),
    [("accelerated", "accelerated"), ("accelerated_only", "accelerated"), ("stock", "stock"), ("stock_only", "stock")],
)
def test_without_a_choice_the_quests_default_engine_runs(submit, quest, policy, default):
    set_policy(quest, policy)

    assert submit().engine == default


def test_a_group_may_ask_for_the_other_engine(submit):
    assert submit(engine="stock").engine == "stock"


@pytest.mark.parametrize(("policy", "forbidden"), ONLY)
def test_a_forbidden_engine_is_refused_and_named(submit, quest, policy, forbidden):
    set_policy(quest, policy)

    with pytest.raises(Refused) as refusal:
        submit(engine=forbidden)

    assert [error["field"] for error in refusal.value.errors] == ["engine"]
    assert forbidden in str(refusal.value)
    assert not Submission.objects.exists()


@pytest.mark.parametrize(("policy", "forbidden"), ONLY)
def test_form_and_api_refuse_a_forbidden_engine_in_the_same_words(post, owner_client, quest, policy, forbidden):
    set_policy(quest, policy)

    [told] = post(engine=forbidden).json()["errors"]
    fields = {"quest": quest.pk, "way": "paste", "model": "KNeighborsClassifier()", "engine": forbidden}
    response = owner_client.post("/submit/", fields)

    assert told["field"] == "engine"
    assert response.context["form"].errors == {"engine": [told["message"]]}
    assert not Submission.objects.exists()


def test_the_form_offers_what_the_quest_allows_its_default_first(owner_client, quest):
    def offered() -> list[str]:
        return [value for value, _label in owner_client.get("/submit/").context["form"].fields["engine"].choices]

    assert offered() == ["accelerated", "stock"]
    set_policy(quest, "stock_only")
    assert offered() == ["stock"]


def test_the_api_tells_what_each_quest_offers(client, quest):
    set_policy(quest, "stock")

    [told] = client.get("/api/v1/quests/").json()["results"]

    assert (told["engines"], told["default_engine"]) == (["stock", "accelerated"], "stock")
    assert (told["exclusive"], told["board_needs_exclusive"]) == (False, False)


def test_a_submission_and_its_rerun_keep_their_engine(submit, score, quest, instructor):
    scored = score(submit(engine="stock"), 350)
    set_policy(quest, "accelerated_only")

    again = reruns.rerun(scored, user=instructor)

    assert (reload(scored).engine, again.engine) == ("stock", "stock")


def test_an_instructor_sets_the_policy_at_the_desk(instructor_client, quest):
    page = instructor_client.get(f"/desk/quests/{quest.pk}/")
    form = page.context["form"]
    data = {name: form[name].value() for name in form.fields if form[name].value() is not None}

    instructor_client.post(f"/desk/quests/{quest.pk}/", {**data, "engine_policy": "stock_only"})

    quest.refresh_from_db()
    assert quest.engines == ("stock",)


def test_a_board_of_exclusive_runs_needs_exclusive_runs(quest):
    quest.board_needs_exclusive = True

    with pytest.raises(ValidationError, match="no run would be ranked"):
        quest.full_clean()
