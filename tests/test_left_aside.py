"""What of a text is left aside: told by the API, and to be agreed to in the form where it may change the score."""

from __future__ import annotations

import re

import pytest

from submissions import notation
from submissions.families.cnn import CNN
from submissions.models import Submission
from tests.test_submit_page import field_error, paste

SCALED = "X = X / 255\nclf = KNeighborsClassifier(n_neighbors=4)\nclf.fit(X, y)\nprint(clf.score(X, y))"
TWO = "KNeighborsClassifier(n_neighbors=4)\nRandomForestClassifier(n_estimators=20)"


def value_of(response, name: str, place: int = 0) -> str:
    """The value of the box or choice of this name that the page shows."""
    return re.findall(rf'name="{name}"\s+value="(\w+)"', response.content.decode())[place]


def test_the_form_asks_to_agree_to_what_may_change_the_score(owner_client, quest):
    asked = owner_client.post("/submit/", paste(quest, SCALED))

    assert "may change your score" in field_error(asked, "acknowledged")
    assert "line 1: X = X / 255 (the pixels are 0–255 here, for networks 0–1)" in asked.content.decode()
    assert not Submission.objects.exists()

    owner_client.post("/submit/", paste(quest, SCALED, acknowledged=value_of(asked, "acknowledged")))
    assert Submission.objects.get().headline == "KNeighborsClassifier(n_neighbors=4)"


def test_training_a_name_that_the_text_never_made_is_of_the_one_model_without_a_name():
    told = notation.read(
        "Sequential([Input((784,)), Dense(10)])\nmodel.compile(loss='mse')\nmodel.fit(X, y, epochs=40)"
    )

    assert isinstance(told.spec, CNN)
    assert (told.spec.epochs, told.spec.loss.name) == (40, "mean_squared_error")
    assert told.harmless == told.consequential == ()


def test_training_what_is_no_model_of_the_text_is_not_left_aside_silently():
    told = notation.read("knn = KNeighborsClassifier(3)\nmodel.fit(X, y)\nmodel.predict(X)")

    assert told.harmless == ("line 3: model.predict(X)",)
    [trained] = told.consequential
    assert trained == "line 2: model.fit(X, y) (model is no model of this text: name the model where it is made)"


def test_agreeing_to_one_text_agrees_to_no_other(owner_client, quest):
    asked = owner_client.post("/submit/", paste(quest, SCALED))
    agreed = value_of(asked, "acknowledged")

    other = owner_client.post("/submit/", paste(quest, f"X = X[:500]\n{SCALED}", acknowledged=agreed))

    assert field_error(other, "acknowledged")
    assert not Submission.objects.exists()


def test_harmless_lines_ask_nothing(owner_client, quest):
    owner_client.post("/submit/", paste(quest, "import sklearn\nclf = KNeighborsClassifier()\nprint(clf)"))

    assert Submission.objects.count() == 1


def test_of_several_models_one_is_chosen(owner_client, quest):
    asked = owner_client.post("/submit/", paste(quest, TWO))

    assert "choose one" in field_error(asked, "chosen")
    assert not Submission.objects.exists()

    owner_client.post("/submit/", paste(quest, TWO, chosen=value_of(asked, "chosen", 1)))
    assert Submission.objects.get().headline == "RandomForestClassifier(n_estimators=20)"


def test_a_look_shows_the_models_to_choose_from_and_the_chosen_one(owner_client, quest):
    looked = owner_client.post("/submit/check/", paste(quest, TWO), headers={"HX-Request": "true"})
    assert "Several models" in looked.content.decode()

    chosen = value_of(looked, "chosen")
    again = owner_client.post("/submit/check/", paste(quest, TWO, chosen=chosen), headers={"HX-Request": "true"})
    assert re.search(rf'value="{chosen}"[^>]*checked', again.content.decode())
    assert "K nearest neighbours" in again.content.decode()


def test_the_api_takes_the_model_and_tells_both_lists(owner_client, quest):
    answer = owner_client.post("/api/v1/submissions/", {"model": SCALED}, content_type="application/json")

    assert answer.status_code == 201
    told = answer.json()["left_aside"]
    assert told["consequential"] == ["line 1: X = X / 255 (the pixels are 0–255 here, for networks 0–1)"]
    assert "line 4: print(clf.score(X, y))" in told["harmless"]


def test_the_api_refuses_several_models_naming_them(owner_client, quest):
    answer = owner_client.post("/api/v1/submissions/", {"model": TWO}, content_type="application/json")

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["field"] == "model"
    assert error["message"].startswith("Lines 1, 2 have a model each")
    assert "KNeighborsClassifier(n_neighbors=4); RandomForestClassifier(n_estimators=20)" in error["message"]


@pytest.mark.parametrize(
    ("steps", "headline"),
    [
        ("StandardScaler(), PCA(16)", "make_pipeline(StandardScaler(), PCA(n_components=16), KNeighborsClassifier())"),
        ("", "KNeighborsClassifier()"),
    ],
)
def test_steps_are_typed_into_their_field(owner_client, quest, steps, headline):
    owner_client.post("/submit/", {"way": "knn", "quest": quest.pk, "key": "k", "model_preprocess": steps})

    assert Submission.objects.get().headline == headline


def test_a_step_that_is_not_offered_is_refused_beside_its_field(owner_client, quest):
    data = {"way": "knn", "quest": quest.pk, "key": "k", "model_preprocess": "PCA(65)"}
    assert "give at most 64" in field_error(owner_client.post("/submit/", data), "model_preprocess")

    data["model_preprocess"] = "Isomap()"
    assert "Isomap is not offered" in field_error(owner_client.post("/submit/", data), "model_preprocess")
