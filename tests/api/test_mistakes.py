"""Mistakes and comparisons over the REST API."""

from __future__ import annotations

import pytest

from submissions.models import ApiToken, ModelsShown, Quest, QuestState
from submissions.queue import leases
from tests.cast import FOREST, claim_one, result_of
from workers.datasets import store


@pytest.fixture(autouse=True)
def digits(digits_home, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    return store.load("digits")


@pytest.fixture
def pks(submit, worker, digits) -> list[int]:
    """A model that errs on images 0 and 1, and one that errs on 1, 2 and 3; each by one digit."""
    submitted = []
    for spec, wrong in ((None, [0, 1]), (FOREST, [1, 2, 3])):
        submitted.append(submit(spec).pk)
        errors = [[index, (int(digits.test_labels[index]) + 1) % 10] for index in wrong]
        leases.record_score(claim_one(worker), {**result_of(360 - len(wrong)), "errors": errors})
    return submitted


def test_errors_come_with_their_images_classes_and_answers(owner_client, pks, digits):
    body = owner_client.get(f"/api/v1/submissions/{pks[0]}/errors/").json()

    first = int(digits.test_labels[0])
    assert (body["images"], body["correct"]) == (360, 358)
    assert body["errors"][0] == {"index": 0, "true": first, "given": (first + 1) % 10}
    assert sum(map(sum, body["confusion"])) == 360


def test_two_submissions_are_compared_image_by_image(owner_client, pks):
    body = owner_client.get(f"/api/v1/submissions/{pks[0]}/compare/{pks[1]}/").json()

    assert [one["index"] for one in body["only_first"]] == [2, 3]
    assert [one["index"] for one in body["only_second"]] == [0]
    assert (body["images"], body["both"], body["neither"]) == (360, 356, 1)
    assert body["difference"] == pytest.approx(1 / 360)
    assert body["p"] == 1.0


def test_until_the_reveal_only_public_images_are_reported(owner_client, submission, worker, digits):
    Quest.objects.update(private_share=0.5)
    errors = [[index, (int(truth) + 1) % 10] for index, truth in enumerate(digits.test_labels)]
    leases.record_score(claim_one(worker), {**result_of(0, 180, private=(0, 180)), "errors": errors})
    path = f"/api/v1/submissions/{submission.pk}/errors/"

    assert owner_client.get(path).json()["images"] == 180
    Quest.objects.update(state=QuestState.REVEALED)
    assert owner_client.get(path).json()["images"] == 360


def test_others_see_mistakes_only_if_the_quest_shows_models(stranger_client, pks):
    path = f"/api/v1/submissions/{pks[0]}/errors/"
    assert stranger_client.get(path).status_code == 200

    Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)

    assert stranger_client.get(path).status_code == 404
    assert stranger_client.get(f"/api/v1/submissions/{pks[0]}/compare/{pks[1]}/").status_code == 404


def test_another_groups_token_cannot_read_hidden_mistakes(client, owner, other_group, pks):
    Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)
    secret = ApiToken.objects.create(user=owner, group=other_group, name="other")[1]
    headers = {"Authorization": f"Token {secret}"}

    assert client.get(f"/api/v1/submissions/{pks[0]}/errors/", headers=headers).status_code in (401, 404)


def test_a_submission_without_a_score_has_no_mistakes(owner_client, submission):
    response = owner_client.get(f"/api/v1/submissions/{submission.pk}/errors/")

    assert response.status_code == 404
    assert "are not available" in response.json()["errors"][0]["message"]
