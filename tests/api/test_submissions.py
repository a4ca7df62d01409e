"""Submitting, following and cancelling over the REST API."""

from __future__ import annotations

import json
import uuid

import pytest
from django.test import Client

from submissions.models import Quest, QuestState, State, Submission
from tests.cast import FOREST, KNN, claim_one, reload

pytestmark = pytest.mark.django_db
URL = "/api/v1/submissions/"
NOTATION = "KNeighborsClassifier(n_neighbors=4, weights='distance')"


@pytest.fixture
def api(owner_token) -> Client:
    """The owner's notebook: every request carries the token."""
    return Client(headers={"Authorization": f"Token {owner_token}"})


def post(client: Client, body: object, url: str = URL, **headers: str):
    return client.post(url, json.dumps(body), content_type="application/json", headers=headers)


def fields(response) -> list[str]:
    return [error["field"] for error in response.json()["errors"]]


def test_a_spec_is_queued(api, quest, owner, group):
    response = post(api, {"quest": quest.pk, "model": KNN})

    assert response.status_code == 201
    body = response.json()
    assert response["Location"] == body["url"] == f"http://testserver{URL}{body['id']}/"
    assert (body["state"], body["group"], body["quest"]) == ("queued", "ITMALGrp01", quest.pk)
    assert (body["model"], body["spec"]["n_neighbors"]) == (NOTATION, 4)
    assert (body["score"], body["timing"], body["hardware"], body["attempts"]) == (None, None, None, [])
    assert body["position"] == 1
    submission = Submission.objects.get()
    assert (submission.group, submission.submitter) == (group, owner)


def test_notation_is_queued_as_the_same_spec(api, quest):
    by_notation = post(api, {"model": NOTATION}).json()
    by_spec = post(api, {"model": KNN}).json()

    assert by_notation["spec"] == by_spec["spec"]


def test_a_colleagues_browser_session_submits_for_the_group(colleague_client, quest):
    assert post(colleague_client, {"model": KNN}).json()["group"] == "ITMALGrp01"


def test_an_instructor_submits_out_of_competition(instructor_client, quest):
    body = post(instructor_client, {"model": KNN}).json()

    assert (body["group"], body["out_of_competition"]) == (None, True)


def test_the_quest_may_be_left_out_if_exactly_one_is_open(api, quest, course):
    Quest.objects.create(course=course, name="Draft")

    assert post(api, {"model": KNN}).json()["quest_name"] == "Digits quest"


def test_of_several_open_quests_one_must_be_named(api, quest, course):
    second = Quest.objects.create(course=course, name="Second", dataset="digits", state=QuestState.OPEN)

    refused = post(api, {"model": KNN})
    named = post(api, {"model": KNN, "quest": "Second"})

    assert (refused.status_code, fields(refused)) == (400, ["quest"])
    assert f"{quest.pk} (Digits quest); {second.pk} (Second)" in refused.json()["errors"][0]["message"]
    assert named.json()["quest"] == second.pk


def test_without_an_open_quest_the_refusal_says_why(api, quest):
    Quest.objects.update(state=QuestState.CLOSED)

    response = post(api, {"model": KNN})

    assert (response.status_code, fields(response)) == (403, ["quest"])
    assert "Digits quest is not open: it is closed." in response.json()["errors"][0]["message"]


def test_a_draft_is_refused_like_an_unknown_quest(api, quest, course):
    draft = Quest.objects.create(course=course, name="Draft")

    of_draft = post(api, {"model": KNN, "quest": draft.pk}).json()
    of_none = post(api, {"model": KNN, "quest": 10**30}).json()

    assert "There is no quest" in of_draft["errors"][0]["message"]
    assert "There is no quest" in of_none["errors"][0]["message"]


def test_a_user_without_a_group_is_refused(client, quest, django_user_model):
    client.force_login(django_user_model.objects.create_user("nobody"))

    response = post(client, {"model": KNN})

    assert (response.status_code, fields(response)) == (403, ["group"])


def test_a_used_up_quota_is_refused_with_retry_after(api, quest):
    Quest.objects.update(daily_quota=1)
    post(api, {"model": KNN})

    response = post(api, {"model": KNN})

    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 25 * 3600


def test_the_same_key_gives_the_same_submission_back(api, quest):
    key = str(uuid.uuid4())

    first = post(api, {"model": KNN}, **{"Idempotency-Key": key})
    again = post(api, {"model": NOTATION}, **{"Idempotency-Key": key})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert Submission.objects.count() == 1


def test_the_same_key_with_another_body_is_a_conflict(api, quest):
    post(api, {"model": KNN}, **{"Idempotency-Key": "a"})

    response = post(api, {"model": FOREST}, **{"Idempotency-Key": "a"})

    assert (response.status_code, fields(response)) == (409, ["Idempotency-Key"])


def test_a_retry_gets_its_submission_after_the_quest_has_closed(api, quest):
    first = post(api, {"model": KNN}, **{"Idempotency-Key": "a"})
    Quest.objects.update(state=QuestState.CLOSED)

    again = post(api, {"model": KNN}, **{"Idempotency-Key": "a"})

    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


@pytest.mark.parametrize("key", ["", "x" * 201, "naïve", "a\tb"])
def test_an_invalid_key_is_refused(api, quest, key):
    response = post(api, {"model": KNN}, **{"Idempotency-Key": key})

    assert (response.status_code, fields(response)) == (400, ["Idempotency-Key"])


def test_errors_name_the_path_within_the_model(api, quest):
    net = {
        "family": "cnn",
        "layers": [
            {"kind": "Input", "shape": [8, 8, 1]},
            {"kind": "Flatten"},
            {"kind": "Conv2D", "filters": 6, "kernel_size": [3, "three"]},
            {"kind": "Dense", "units": 10},
        ],
    }

    wrong_parameter = post(api, {"model": {"family": "knn", "n_neighbors": True, "colour": 1}})
    wrong_layer = post(api, {"model": net})
    wrong_notation = post(api, {"model": "KNeighborsClassifier(n_neighbors=0)"})

    assert sorted(fields(wrong_parameter)) == ["model.colour", "model.n_neighbors"]
    assert fields(wrong_layer) == ["model.layers.2.kernel_size.1"]
    assert fields(wrong_notation) == ["model.n_neighbors"]
    assert {r.status_code for r in (wrong_parameter, wrong_layer, wrong_notation)} == {400}


def test_a_refusal_says_that_the_limit_is_the_quests(api, quest):
    Quest.objects.update(max_trees=10)

    response = post(api, {"model": FOREST})

    assert fields(response) == ["model.n_estimators"]
    assert "the quest's limit of 10" in response.json()["errors"][0]["message"]


def test_a_scored_submission_shows_score_timing_hardware_and_attempt(api, submission, score):
    score(submission, 342, train_s=2.5)

    body = api.get(f"{URL}{submission.pk}/").json()

    assert (body["state"], body["score"], body["correct"], body["total"]) == ("scored", 0.95, 342, 360)
    assert (body["timing"]["train"], body["timing"]["predict"]) == (2.5, 0.5)
    assert set(body["timing"]) == {
        "queue_wait", "startup", "data_load", "preprocess", "first_step", "train", "predict", "total", "cpu",
        "stock_predicted",
    }  # fmt: skip
    assert body["hardware"]["label"] == "AMD EPYC 9B14, 2 cores"
    assert (body["position"], body["finished_at"] is None) == (None, False)
    [attempt] = body["attempts"]
    assert (attempt["exit"], attempt["engine_version"]) == ("scored", "scikit-learn 1.9.1")
    assert attempt["energy"] == {"joules": None, "method": "none"}


def test_the_private_score_is_secret_until_the_reveal(api, submission, score, instructor_client):
    Quest.objects.update(private_share=0.5)
    score(submission, 160, total=180, private=(90, 180))
    url = f"{URL}{submission.pk}/"
    assert api.get(url).json()["private_score"] is None
    assert instructor_client.get(url).json()["private_score"] is None

    Quest.objects.update(state=QuestState.REVEALED)

    assert api.get(url).json()["private_score"] == 0.5


def test_only_instructors_see_what_the_trainer_printed(submission, worker, owner_client, instructor_client):
    attempt = claim_one(worker)
    type(attempt).objects.update(output="Epoch 1", traceback="Traceback")
    url = f"{URL}{submission.pk}/"

    [to_owner] = owner_client.get(url).json()["attempts"]
    [to_instructor] = instructor_client.get(url).json()["attempts"]

    assert (to_owner["output"], to_owner["traceback"]) == (None, None)
    assert (to_instructor["output"], to_instructor["traceback"]) == ("Epoch 1", "Traceback")


def test_a_colleague_cancels_a_queued_submission(submission, colleague_client):
    response = colleague_client.post(f"{URL}{submission.pk}/cancel/")

    assert (response.status_code, response.json()["state"]) == (200, "cancelled")
    assert reload(submission).state == State.CANCELLED


def test_a_running_submission_is_asked_to_stop(api, submission, worker):
    claim_one(worker)

    body = api.post(f"{URL}{submission.pk}/cancel/").json()

    assert (body["state"], body["cancel_asked"]) == ("running", True)


def test_an_ended_submission_cannot_be_cancelled(api, submission, score):
    score(submission, 300)

    response = api.post(f"{URL}{submission.pk}/cancel/")

    assert response.status_code == 409
    assert response.json() == {"errors": [{"field": "", "message": "This submission has already ended (Scored)."}]}


@pytest.mark.parametrize(("path", "method"), [("", "get"), ("cancel/", "post")])
@pytest.mark.parametrize(
    ("who", "status"),
    [("client", 401), ("owner_client", 200), ("colleague_client", 200), ("stranger_client", 404),
     ("instructor_client", 200)],
)  # fmt: skip
def test_each_role_reads_and_cancels_only_what_it_may(request, submission, who, status, path, method):
    client = request.getfixturevalue(who)

    response = getattr(client, method)(f"{URL}{submission.pk}/{path}")

    assert response.status_code == status
    assert (reload(submission).state == State.CANCELLED) == (method == "post" and status == 200)


def test_anonymous_clients_may_neither_list_nor_submit(client, quest):
    assert client.get(URL).status_code == 401
    refused = post(client, {"model": KNN})
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Token")
    assert fields(refused) == [""]


@pytest.mark.parametrize("number", ["0", "999", "9223372036854775808", "9" * 5000])
def test_an_unknown_number_is_not_found(api, quest, number):
    for response in (api.get(f"{URL}{number}/"), api.post(f"{URL}{number}/cancel/")):
        assert response.status_code == 404
        assert fields(response) == [""]


def test_the_same_key_with_another_note_is_a_conflict(api, quest):
    first = post(api, {"model": KNN, "note": "one"}, **{"Idempotency-Key": "k"})
    other = post(api, {"model": KNN, "note": "another"}, **{"Idempotency-Key": "k"})

    assert (first.status_code, other.status_code) == (201, 409)


def test_naming_the_default_engine_gives_the_same_submission(api, quest):
    without_engine = post(api, {"model": KNN}, **{"Idempotency-Key": "k"})
    with_engine = post(api, {"model": KNN, "engine": quest.default_engine}, **{"Idempotency-Key": "k"})

    assert with_engine.status_code == 200
    assert with_engine.json()["id"] == without_engine.json()["id"]


def test_a_retry_gets_its_submission_after_limits_were_tightened(api, quest):
    first = post(api, {"model": FOREST}, **{"Idempotency-Key": "k"})
    Quest.objects.update(max_trees=1)

    again = post(api, {"model": FOREST}, **{"Idempotency-Key": "k"})
    anew = post(api, {"model": FOREST})

    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert anew.status_code == 400


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"model": KNN, "engine": "zz"}, '"zz" is not allowed. Choose one of '),
        ({}, "Give the model as text, such as"),
    ],
)
def test_a_refusal_says_what_is_allowed(api, quest, body, words):
    assert words in post(api, body).json()["errors"][0]["message"]


def test_an_unknown_sort_lists_the_allowed_ones(api, quest):
    message = api.get(URL, {"sort": "foo"}).json()["errors"][0]["message"]

    assert message.startswith('"foo" is not allowed. Choose one of when, -when, score')


@pytest.mark.parametrize("token", ["Token quest_unknown", ""])
def test_a_request_without_a_valid_token_learns_where_to_create_one(client, quest, token):
    response = client.get(URL, headers={"Authorization": token} if token else {})

    assert response.status_code == 401
    assert "Create a token on your group's page" in response.json()["errors"][0]["message"]
