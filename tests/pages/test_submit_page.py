"""The submit page: pasting a model, the families' forms, and errors beside their fields."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from submissions.models import Course, Event, Group, Membership, Quest, QuestState, Submission
from tests.cast import person

PASTED = "KNeighborsClassifier(n_neighbors=4, weights='distance')"
DENSE = """from tensorflow import keras
model = keras.Sequential()
model.add(keras.layers.Dense(32, activation='relu', input_shape=(64,)))
model.add(keras.layers.Dense(10, activation='softmax'))
model.summary()
"""


def paste(quest, model: str = PASTED, **more) -> dict:
    return {"way": "paste", "quest": quest.pk, "key": "one-click", "model": model, **more}


def field_error(response, name: str) -> str:
    return " ".join(response.context["form"].errors.get(name, []))


def test_a_pasted_model_is_queued_and_leads_to_its_page(owner_client, quest, group):
    response = owner_client.post("/submit/", paste(quest, note="like the lecture"))

    submission = Submission.objects.get()
    assert response.headers["Location"] == f"/submissions/{submission.pk}/"
    assert (submission.group, submission.headline, submission.note) == (group, PASTED, "like the lecture")


def test_the_page_names_the_group_and_the_quota_left(owner_client, quest, submission):
    text = owner_client.get("/submit/").content.decode()

    assert "You are submitting for ITMALGrp01: 49 of 50 submissions left today." in text


def test_a_second_click_gives_the_same_submission(owner_client, quest):
    first = owner_client.post("/submit/", paste(quest))
    second = owner_client.post("/submit/", paste(quest))

    assert first.headers["Location"] == second.headers["Location"]
    assert Submission.objects.count() == 1


def test_going_back_and_changing_the_model_makes_another_submission(owner_client, quest):
    owner_client.post("/submit/", paste(quest))
    owner_client.post("/submit/", paste(quest, "KNeighborsClassifier(n_neighbors=5)"))

    assert Submission.objects.count() == 2


def test_every_page_has_a_key_of_its_own(owner_client, quest):
    pages = [owner_client.get("/submit/").content.decode() for _ in range(2)]
    keys = {key for page in pages for key in re.findall(r'name="key" value="([^"]+)"', page)}

    assert len(keys) == 2


def test_a_refused_model_is_explained_beside_the_box_and_kept(owner_client, quest):
    response = owner_client.post("/submit/", paste(quest, "KNeighborsClassifier(n_neighbours=4)"))

    assert "did you mean n_neighbors?" in field_error(response, "model")
    assert "KNeighborsClassifier(n_neighbours=4)" in response.content.decode()
    assert not Submission.objects.exists()


def test_json_may_be_pasted_and_its_errors_name_the_parameter(owner_client, quest):
    response = owner_client.post("/submit/", paste(quest, '{"family": "knn", "n_neighbors": 0}'))

    assert field_error(response, "model").startswith("n_neighbors: 0 is not allowed")


def test_a_device_that_the_model_does_not_run_on_is_refused_beside_the_device(owner_client, quest):
    response = owner_client.post("/submit/", paste(quest, device="gpu"))

    assert "runs on cpu" in field_error(response, "device")


def test_a_network_may_ask_for_a_gpu(owner_client, quest):
    owner_client.post("/submit/", paste(quest, DENSE, device="gpu"))

    assert Submission.objects.get().device == "gpu"


def test_the_quests_own_limit_is_named(owner_client, quest):
    Quest.objects.update(max_trees=50)

    response = owner_client.post("/submit/", paste(quest, "RandomForestClassifier()"))

    assert "quest's limit of 50" in field_error(response, "model")


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "[" * 60_000, "KNN\0", "__import__('os').system('true')", "", " \n", "<script>alert(1)</script>"],
)
def test_hostile_texts_are_refused_quickly_and_escaped(owner_client, quest, text):
    response = owner_client.post("/submit/", paste(quest, text))

    assert response.status_code == 200
    assert response.context["form"].errors
    assert b"<script>alert" not in response.content
    assert not Submission.objects.exists()


def test_a_post_of_many_megabytes_is_refused(owner_client, quest):
    assert owner_client.post("/submit/", paste(quest, "x" * 4_000_000)).status_code == 400


def test_a_note_that_is_too_long_or_has_nul_is_refused(owner_client, quest):
    for note in ("n" * 2001, "a\0b"):
        assert field_error(owner_client.post("/submit/", paste(quest, note=note)), "note")


def test_check_previews_the_model_and_saves_nothing(owner_client, quest):
    response = owner_client.post("/submit/check/", paste(quest, DENSE), headers={"HX-Request": "true"})

    text = response.content.decode()
    assert "2,410 parameters" in text
    assert "(32,)" in text
    assert "line 5: model.summary()" in text
    assert "<html" not in text
    assert not Submission.objects.exists()


def test_check_works_without_javascript_and_keeps_the_input(owner_client, quest):
    text = owner_client.post("/submit/check/", paste(quest, DENSE)).content.decode()

    assert "<html" in text
    assert "2,410 parameters" in text
    assert "model.add(keras.layers.Dense(32" in text


def test_check_lists_what_is_wrong(owner_client, quest):
    data = {"way": "forest", "quest": quest.pk, "model_n_estimators": "0", "model_criterion": "gini"}

    response = owner_client.post("/submit/check/", data, headers={"HX-Request": "true"})

    assert "n_estimators: 0 is not allowed" in response.content.decode()


def test_a_familys_form_submits_its_fields(owner_client, quest):
    data = {
        "way": "forest",
        "quest": quest.pk,
        "model_n_estimators": "20",
        "model_max_features": "0.5",
        "model_class_weight": "{0: 1.5}",
        "model_bootstrap": "False",
    }
    owner_client.post("/submit/", data)

    spec = Submission.objects.get().spec
    assert (spec["n_estimators"], spec["max_features"], spec["bootstrap"]) == (20, 0.5, False)
    assert spec["class_weight"] == {"0": 1.5}


def test_an_untouched_form_submits_the_defaults(owner_client, quest):
    form = owner_client.get("/submit/?way=knn").context["form"]
    filled = {field.html_name: field.value() for field in form.model_fields()}

    owner_client.post("/submit/", {"way": "knn", "quest": quest.pk, **filled})

    assert Submission.objects.get().headline == "KNeighborsClassifier()"


def test_an_error_is_shown_beside_the_field_that_it_names(owner_client, quest):
    data = {"way": "knn", "quest": quest.pk, "model_algorithm": "kd_tree", "model_metric": "cosine", "model_p": "1e999"}
    response = owner_client.post("/submit/", data)
    assert field_error(response, "model_p")

    response = owner_client.post("/submit/", data | {"model_p": "2"})
    assert "algorithm='kd_tree'" in field_error(response, "model_metric")
    assert 'aria-invalid="true"' in response.content.decode()


@pytest.mark.parametrize("value", ["1; 2", "a.b", "f(1)", "[[[", "9" * 499, "NaN", "é"])
def test_invalid_values_in_a_field_are_refused_beside_it(owner_client, quest, value):
    response = owner_client.post("/submit/", {"way": "forest", "quest": quest.pk, "model_max_features": value})

    assert field_error(response, "model_max_features")


def test_an_unknown_mode_or_preset_gives_an_empty_paste_form(owner_client, quest):
    response = owner_client.get("/submit/?way=svm&preset=AlexNet")

    assert response.context["mode"] == "paste"
    assert response.context["form"]["model"].value() == ""


def test_a_preset_fills_the_box_with_its_notation(owner_client, quest):
    Quest.objects.update(dataset="mnist")

    response = owner_client.get("/submit/?preset=LeNet-5")

    assert "RBF(10)" in response.context["form"]["model"].value()
    text = response.content.decode()
    assert "60,856 trainable and 840 fixed parameters" in text
    assert "<td>batch_size</td><td><code>32</code></td>" in text


def test_only_presets_that_the_quest_accepts_are_offered(owner_client, quest):
    offered = owner_client.get("/submit/?way=cnn").context["presets"]

    assert "LeNet-5" not in offered
    assert [layer.kind for layer in offered["Small convnet for 8×8"].layers][:2] == ["Input", "Conv2D"]


def test_a_used_up_quota_is_shown_before_and_after_submitting(owner_client, quest, submission):
    Quest.objects.update(daily_quota=1)

    assert "has no submissions left for now" in owner_client.get("/submit/").content.decode()
    response = owner_client.post("/submit/", paste(quest))
    assert "has used its 1 submissions for today" in response.content.decode()
    assert Submission.objects.count() == 1


def test_a_user_without_a_group_cannot_submit(client, quest, db):
    client.force_login(person("lonely"))

    assert "You are not in a group" in client.get("/submit/").content.decode()
    assert client.post("/submit/", paste(quest)).status_code == 200
    assert not Submission.objects.exists()


def test_a_quest_closing_meanwhile_refuses_but_keeps_the_text(owner_client, quest):
    Quest.objects.update(closes_at=timezone.now())

    text = owner_client.post("/submit/", paste(quest)).content.decode()

    assert "Digits quest closed" in text
    assert "n_neighbors=4" in text
    assert not Submission.objects.exists()


def test_a_model_is_submitted_to_the_chosen_quest(owner_client, quest, course):
    other = Quest.objects.create(course=course, name="Second", dataset="digits", state=QuestState.OPEN)

    owner_client.post("/submit/", paste(other))

    assert Submission.objects.get().quest == other


def test_a_quest_of_another_course_is_not_offered(owner_client, quest, instructor):
    elsewhere = Course.objects.create(name="Other", term="x")
    foreign = Quest.objects.create(course=elsewhere, name="Foreign", dataset="digits", state=QuestState.OPEN)

    response = owner_client.post("/submit/", paste(foreign))

    assert field_error(response, "quest")
    assert not Submission.objects.exists()


def test_a_member_of_two_groups_submits_for_the_group_in_the_quests_course(client, quest, course, group):
    user = person("both", group)
    old = Course.objects.create(name="Old", term="y")
    Membership.objects.create(user=user, group=Group.objects.create(course=old, name="ITMALGrp01"), course=old)
    client.force_login(user)

    client.post("/submit/", paste(quest))

    assert Submission.objects.get().group == group


def test_an_instructor_submits_out_of_competition(instructor_client, instructor, quest):
    instructor_client.post("/submit/", paste(quest))

    submission = Submission.objects.get()
    assert (submission.group, submission.out_of_competition, submission.submitter) == (None, True, instructor)
    assert Event.objects.get().kind == Event.Kind.SUBMITTED


def test_an_anonymous_visitor_is_sent_to_the_login(client, quest):
    for address in ("/submit/", "/submit/check/"):
        response = client.post(address, paste(quest))
        assert response.headers["Location"].startswith("/login/")
