"""Access to the API by token or session, and the group for which a token acts."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from submissions.models import ApiToken, Membership, State
from tests.cast import KNN, reload

pytestmark = pytest.mark.django_db


def with_token(token: str, scheme: str = "Token") -> Client:
    return Client(headers={"Authorization": f"{scheme} {token}"})


def submit_by(client: Client, **more):
    return client.post("/api/v1/submissions/", json.dumps({"model": KNN}), content_type="application/json", **more)


def words(response) -> str:
    [error] = response.json()["errors"]
    return error["message"]


def test_a_token_acts_for_its_group(owner_token, quest):
    assert submit_by(with_token(owner_token)).json()["group"] == "ITMALGrp01"


def test_a_read_only_token_reads_and_validates_but_changes_nothing(owner, group, submission):
    reader = with_token(ApiToken.objects.create(user=owner, group=group, scope="read")[1])

    assert reader.get(f"/api/v1/submissions/{submission.pk}/").status_code == 200
    validated = reader.post("/api/v1/models/validate/", json.dumps({"model": KNN}), content_type="application/json")
    assert validated.status_code == 200
    assert submit_by(reader).status_code == 403
    refused = reader.post(f"/api/v1/submissions/{submission.pk}/cancel/")
    assert (refused.status_code, words(refused)[:24]) == (403, "This token is read-only.")
    assert reload(submission).state == State.QUEUED


def test_a_former_members_token_is_refused(owner, owner_token, submission):
    Membership.objects.filter(user=owner).delete()

    response = with_token(owner_token).get("/api/v1/submissions/")

    assert response.status_code == 401
    assert "acts for ITMALGrp01, but owner is no longer a member" in words(response)


def test_a_revoked_token_and_a_deactivated_users_token_are_refused(owner, owner_token, colleague, group):
    of_colleague = ApiToken.objects.create(user=colleague, group=group)[1]
    ApiToken.objects.filter(user=owner).delete()
    type(colleague).objects.filter(pk=colleague.pk).update(is_active=False)

    assert with_token(owner_token).get("/api/v1/me/").status_code == 401
    assert with_token(of_colleague).get("/api/v1/me/").status_code == 401


def test_a_tokens_use_is_recorded_at_most_once_a_minute(owner_token):
    client = with_token(owner_token)

    client.get("/api/v1/me/")
    first = ApiToken.objects.get().last_used_at
    client.get("/api/v1/me/")
    assert ApiToken.objects.get().last_used_at == first

    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(hours=1))
    client.get("/api/v1/me/")
    assert timezone.now() - ApiToken.objects.get().last_used_at < timedelta(minutes=1)


def test_a_request_succeeds_even_if_token_use_cannot_be_recorded(owner_token, monkeypatch):
    def locked(*args, **changes):
        raise OperationalError("database is locked")

    monkeypatch.setattr(QuerySet, "update", locked)

    assert with_token(owner_token).get("/api/v1/me/").status_code == 200


def test_the_database_holds_no_token_that_could_be_used(owner_token):
    stored = ApiToken.objects.values().get()

    assert owner_token not in map(str, stored.values())


def test_an_instructors_token_needs_no_group(instructor, submission):
    client = with_token(ApiToken.objects.create(user=instructor)[1])

    assert client.get(f"/api/v1/submissions/{submission.pk}/").status_code == 200
    assert submit_by(client).json()["out_of_competition"] is True


@pytest.mark.parametrize("token", ["", "quest_nonsense", "a b", "æøå", "quest_\x7f", "x" * 9000])
def test_an_invalid_token_is_refused_in_the_standard_shape(db, token):
    response = with_token(token).get("/api/v1/me/")

    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Token")
    assert words(response)


def test_a_wrong_token_is_refused_even_where_anyone_may_read(db):
    assert with_token("quest_nonsense").get("/api/v1/leaderboard/").status_code == 401


def test_a_browsers_session_needs_the_csrf_token_to_write(owner, quest):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)

    refused = submit_by(browser)

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (403, "")
    assert "CSRF" in words(refused)
