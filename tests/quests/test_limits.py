"""A quest's own limits on a run: refused by form and API alike where they can be told, and named as the quest's."""

import json

import pytest
from django.test import Client

from submissions.models import Quest, State, Submission
from submissions.queue import leases
from tests.cast import claim_one, reload

NET = """model = Sequential([Input((64,)), Dense(32, activation='relu'), Dense(10, activation='softmax')])
model.compile()
model.fit(x, y, epochs=8)
"""
FOREST = "RandomForestClassifier(n_estimators=300)"
LIMITS = [
    ({"max_epochs": 5}, NET, "epochs", "8 epochs exceed the quest's limit of 5."),
    ({"max_parameters": 2000}, NET, "layers", "2,410 parameters exceed the quest's limit of 2,000."),
    ({"max_trees": 200}, FOREST, "n_estimators", "300 trees exceed the quest's limit of 200."),
]


@pytest.fixture
def api(owner_token) -> Client:
    return Client(headers={"Authorization": f"Token {owner_token}"})


def post(client: Client, model: object):
    return client.post("/api/v1/submissions/", json.dumps({"model": model}), content_type="application/json")


def paste(client: Client, quest: Quest, model: str):
    return client.post("/submit/", {"way": "paste", "quest": quest.pk, "key": "k", "model": model})


@pytest.mark.parametrize(("limits", "model", "field", "words"), LIMITS)
def test_the_api_names_the_quests_limit(api, quest, limits, model, field, words):
    Quest.objects.update(**limits)

    refused = post(api, model)

    assert refused.status_code == 400
    (error,) = refused.json()["errors"]
    assert error["field"].endswith(field)
    assert words in error["message"]
    assert not Submission.objects.exists()


@pytest.mark.parametrize(("limits", "model", "field", "words"), LIMITS)
def test_the_form_names_the_quests_limit_too(owner_client, quest, limits, model, field, words):
    Quest.objects.update(**limits)

    page = paste(owner_client, quest, model)

    assert words in page.context["form"].errors["model"][0]
    assert not Submission.objects.exists()


def test_a_familys_form_shows_the_limit_beside_the_field(owner_client, quest):
    Quest.objects.update(max_trees=200)

    page = owner_client.post("/submit/", {"way": "forest", "quest": quest.pk, "key": "k", "model_n_estimators": "300"})

    assert page.context["form"].errors["model_n_estimators"] == ["300 trees exceed the quest's limit of 200."]


@pytest.mark.parametrize(("limits", "model", "field", "words"), LIMITS)
def test_a_model_exactly_at_the_limit_is_accepted(api, quest, limits, model, field, words):
    (name,) = limits
    Quest.objects.update(**{name: {"max_epochs": 8, "max_parameters": 2410, "max_trees": 300}[name]})

    assert post(api, model).status_code == 201


def test_the_services_own_bound_is_called_the_services(api, quest):
    (error,) = post(api, "RandomForestClassifier(n_estimators=100_000)").json()["errors"]

    assert "The service's limit is 10,000." in error["message"]


def test_time_and_memory_limits_refuse_no_submission(api, quest):
    Quest.objects.update(run_seconds=10, memory_mb=512)

    assert post(api, "RandomForestClassifier(n_estimators=10_000)").status_code == 201


def test_a_run_stopped_at_the_time_limit_names_it_as_the_quests(submission, quest, worker, owner_client):
    Quest.objects.update(run_seconds=4000)

    leases.time_out(claim_one(worker))

    assert reload(submission).state == State.TIMED_OUT
    page = owner_client.get(f"/submissions/{submission.pk}/").content.decode()
    assert "after 4,000 seconds, the quest&#x27;s limit for one run" in page


def test_a_limit_that_is_changed_holds_for_what_comes_next_and_leaves_what_waits(api, quest):
    post(api, FOREST)
    Quest.objects.update(max_trees=200)

    assert post(api, FOREST).status_code == 400
    assert Submission.objects.get().state == State.QUEUED
