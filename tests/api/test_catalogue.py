"""The API's lists of quests, hardware and workers, the caller's own account, and previews of models."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from submissions.models import Course, Group, Membership, Quest, QuestState, Submission, Worker
from tests.cast import KNN, claim_one

pytestmark = pytest.mark.django_db
ROLES = ["client", "owner_client", "colleague_client", "stranger_client", "instructor_client"]
LENET_LIKE = """model = Sequential([
    Input((32, 32, 1)), Conv2D(6, 3, activation='relu'), AveragePooling2D(), Conv2D(16, 3, activation='relu'),
    AveragePooling2D(), Flatten(), Dense(120, activation='relu'), Dense(84, activation='relu'),
    Dense(10, activation='softmax')])
model.summary()
"""


def fields(response) -> list[str]:
    return [error["field"] for error in response.json()["errors"]]


def preview(client: Client, model: object, **more: object):
    return client.post(
        "/api/v1/models/validate/", json.dumps({"model": model, **more}), content_type="application/json"
    )


@pytest.mark.parametrize("path", ["quests/", "hardware/", "workers/", "me/"])
@pytest.mark.parametrize("who", ROLES)
def test_only_workers_and_me_need_a_login(request, quest, worker, who, path):
    needs_sign_in = path in ("workers/", "me/")

    response = request.getfixturevalue(who).get(f"/api/v1/{path}")

    assert response.status_code == (401 if who == "client" and needs_sign_in else 200)


@pytest.mark.parametrize("who", ROLES)
def test_previewing_a_model_needs_a_login(request, quest, who):
    assert preview(request.getfixturevalue(who), KNN).status_code == (401 if who == "client" else 200)


def test_me_gives_the_group_and_the_quota_left(owner_token, quest, submit):
    Quest.objects.update(daily_quota=3)
    submit()

    body = Client(headers={"Authorization": f"Token {owner_token}"}).get("/api/v1/me/").json()

    assert (body["username"], body["group"], body["instructor"]) == ("owner", "ITMALGrp01", False)
    assert body["course"] == "Machine learning autumn 2026"
    assert body["token"] == {"name": "laptop", "scope": "submit"}
    [open_quest] = body["quests"]
    assert (open_quest["name"], open_quest["group"]) == ("Digits quest", "ITMALGrp01")
    assert open_quest["quota"] == {"limit": 3, "used": 1, "left": 2, "next_at": None}


def test_me_as_an_instructor_has_no_group_and_no_quota(instructor_client, quest):
    body = instructor_client.get("/api/v1/me/").json()

    assert (body["instructor"], body["group"], body["token"]) == (True, None, None)
    assert body["quests"][0]["quota"] is None


def test_a_token_acts_in_its_own_course_only(owner, owner_token, quest):
    later = Course.objects.create(name="Machine learning", term="spring 2027")
    Membership.objects.create(user=owner, group=Group.objects.create(course=later, name="Other"), course=later)
    Quest.objects.create(course=later, name="Spring", state=QuestState.OPEN)

    by_token = Client(headers={"Authorization": f"Token {owner_token}"}).get("/api/v1/me/").json()
    browser = Client()
    browser.force_login(owner)
    by_session = browser.get("/api/v1/me/").json()

    assert [found["name"] for found in by_token["quests"]] == ["Digits quest"]
    assert [(found["name"], found["group"]) for found in by_session["quests"]] == [
        ("Digits quest", "ITMALGrp01"),
        ("Spring", "Other"),
    ]


def test_quests_are_listed_without_drafts_and_without_the_splits_seed(client, instructor_client, quest):
    Quest.objects.create(course=quest.course, name="Draft")

    [shown] = client.get("/api/v1/quests/").json()["results"]
    to_instructor = instructor_client.get("/api/v1/quests/").json()["results"]

    assert (shown["name"], shown["state"], shown["accepting"]) == ("Digits quest", "open", True)
    assert "split_seed" not in shown
    assert [found["name"] for found in to_instructor] == ["Draft", "Digits quest"]
    assert client.get("/api/v1/quests/?state=closed").json()["results"] == []
    assert fields(client.get("/api/v1/quests/?state=ajar")) == ["state"]


def test_the_hardware_list_counts_runs(client, submission, worker):
    claim_one(worker)

    [machine] = client.get("/api/v1/hardware/").json()["results"]

    assert (machine["cpu_model"], machine["cores"], machine["runs"]) == ("AMD EPYC 9B14", 2, 1)


def test_only_live_workers_are_listed(owner_client, submission, worker):
    claim_one(worker)
    long_ago = timezone.now() - timedelta(hours=1)
    Worker.objects.create(
        name="gone", host="there", pid=2, device="gpu", version="test", hardware=worker.hardware, last_seen_at=long_ago
    )

    [alive] = owner_client.get("/api/v1/workers/").json()["results"]

    assert (alive["name"], alive["device"], alive["slots"], alive["running"]) == ("cpu@here", "cpu", 2, 1)
    assert alive["hardware"]["label"] == "AMD EPYC 9B14, 2 cores"


def test_previewing_a_network_counts_its_parameters_and_runs_nothing(owner_client, quest):
    Quest.objects.update(dataset="mnist")

    body = preview(owner_client, LENET_LIKE).json()

    assert (body["family"], body["parameters"], body["trainable"], body["fixed"]) == ("cnn", 81194, 81194, 0)
    assert [layer["trainable"] for layer in body["layers"] if layer["trainable"]] == [60, 880, 69240, 10164, 850]
    assert body["layers"][0]["output_shape"] == [30, 30, 6]
    assert body["left_aside"] == {"harmless": ["line 5: model.summary()"], "consequential": []}
    assert body["devices"] == ["auto", "cpu", "gpu"]
    assert preview(owner_client, body["notation"]).json()["spec"] == body["spec"]
    assert Submission.objects.count() == 0


def test_previewing_an_estimator_gives_its_defaults(owner_client, quest):
    body = preview(owner_client, "KNeighborsClassifier(4)").json()

    assert (body["spec"]["weights"], body["layers"], body["parameters"]) == ("uniform", [], None)
    assert (body["notation"], body["devices"]) == ("KNeighborsClassifier(n_neighbors=4)", ["cpu"])
    assert (body["quest"], body["dataset"]) == (quest.pk, "digits")


def test_without_a_quest_a_model_is_validated_for_mnist(owner_client):
    body = preview(owner_client, LENET_LIKE).json()

    assert (body["quest"], body["dataset"]) == (None, "mnist")


def test_a_preview_reports_layers_that_do_not_fit_the_quests_images(owner_client, quest):
    refused = preview(owner_client, LENET_LIKE, quest=quest.pk)

    assert refused.status_code == 400
    assert fields(refused) == ["model.layers.0.shape"]
