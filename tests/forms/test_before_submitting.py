"""The preview of a model: estimated time, earlier duplicates, pixel scale, and its other formats."""

from __future__ import annotations

import ast
import json
import re
import shlex

import pytest
from django.core.cache import cache
from django.test import Client

from submissions.families.network import LENET_5, SIMPLE_CONVNET
from submissions.forms.input_modes import form_for
from submissions.forms.preview import pixel_scale
from submissions.forms.request_examples import model_formats
from submissions.intake.duplicates import earlier_duplicate
from submissions.intake.estimate import estimate_run
from submissions.models import Attempt, ModelsShown, Quest, Submission
from submissions.notation.reader import parse
from submissions.quests.eligibility import Entry
from submissions.quests.presets import presets
from submissions.specs import cost
from submissions.specs.shapes import parameters
from submissions.specs.spec import DATASETS, dump
from tests.cast import KNN
from tests.pages.test_submit_page import PASTED, paste

SERVICE = "https://quest.example.edu/"
LENET_LIKE = (
    "Sequential([Input((32, 32, 1)), Conv2D(6, 3, activation='relu'), AveragePooling2D(2), "
    "Conv2D(16, 3, activation='relu'), AveragePooling2D(2), Flatten(), Dense(120, activation='relu'), "
    "Dense(84, activation='relu'), Dense(10, activation='softmax')])"
)

SIMPLE_DIGITS = parse("Sequential([Input((8, 8, 1)), Flatten(), Dense(10, activation='softmax')])")


def check(client, quest, model: str = PASTED, **more) -> str:
    """The fragment's text, without tags and extra spaces."""
    response = client.post("/submit/check/", paste(quest, model, **more), headers={"HX-Request": "true"})
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", response.content.decode()))


# Total seconds of runs on MNIST, measured on two cores that were also busy with other work.
@pytest.mark.parametrize(
    ("model", "engine", "measured"),
    [
        ("KNeighborsClassifier(n_neighbors=4, weights='distance')", "stock", 20.6),
        ("KNeighborsClassifier(n_neighbors=3)", "accelerated", 3.3),
        ("KNeighborsClassifier(p=1)", "accelerated", 9.1),
        ("KNeighborsClassifier(leaf_size=40, p=4)", "accelerated", 61.4),
        ("RandomForestClassifier()", "stock", 46.9),
        ("RandomForestClassifier()", "accelerated", 38.3),
        ("RandomForestClassifier(n_estimators=30)", "stock", 12.8),
        (LENET_LIKE, "stock", 66.4),
        ("Sequential([Conv2D(8, 3, activation='relu'), MaxPooling2D(), Flatten(), Dense(10)])", "stock", 18.4),
    ],
)
def test_without_past_runs_the_estimated_range_holds_the_measured_time(quest, model, engine, measured):
    quest.dataset = "mnist"

    guess = estimate_run(parse(model), quest, engine=engine)

    assert guess
    assert guess.runs == 0
    assert guess.low < measured < guess.high


def test_gpu_time_is_not_estimated_without_past_runs(quest):
    assert estimate_run(SIMPLE_DIGITS, quest, device="gpu") is None


def test_fewer_features_after_preprocessing_shorten_the_estimate(quest):
    whole = cost.estimated_seconds(parse("KNeighborsClassifier()"), DATASETS["mnist"], accelerated=False)
    reduced = cost.estimated_seconds(
        parse("make_pipeline(PCA(50), KNeighborsClassifier())"), DATASETS["mnist"], accelerated=False
    )

    assert whole
    assert reduced
    assert reduced < whole / 10


def test_the_page_says_what_the_estimate_is_based_on(owner_client, quest, submission, score):
    assert "Rough estimate; nothing similar has run yet." in check(owner_client, quest)
    score(submission, 350)
    Attempt.objects.update(engine=quest.default_engine)
    cache.clear()  # the absence of similar runs is cached for some seconds

    assert "Based on the only similar run so far." in check(owner_client, quest)


def test_an_estimate_beyond_the_limit_warns_that_the_run_will_be_stopped(owner_client, quest):
    Quest.objects.update(dataset="mnist", run_seconds=10)

    assert "This quest stops runs after 10 s." in check(owner_client, quest, "KNeighborsClassifier(p=4)")


def test_an_earlier_submission_of_the_same_model_is_pointed_out(owner_client, quest, submission, score):
    score(submission, 351)

    text = check(owner_client, quest, "KNeighborsClassifier(weights = 'distance', n_neighbors=4)")

    assert f"already submitted this model: submission {submission.pk}" in text
    assert "scored 0.97500" in text


def test_of_several_earlier_submissions_the_scored_one_is_shown(submit, score, quest, group):
    first = score(submit(), 350)
    submit()

    assert earlier_duplicate(first.model, quest, group) == first


def test_other_groups_and_quests_are_not_searched_for_earlier_submissions(
    quest, submission, other_group, course, group
):
    other = Quest.objects.create(course=course, name="Second", dataset="digits")

    assert earlier_duplicate(submission.model, quest, other_group) is None
    assert earlier_duplicate(submission.model, other, group) is None
    assert earlier_duplicate(parse("KNeighborsClassifier()"), quest, group) is None


def test_the_api_reports_the_earlier_submission_too(owner_token, submission, quest):
    ask = Client(headers={"Authorization": f"Token {owner_token}"}).post

    same = ask("/api/v1/models/validate/", json.dumps({"model": KNN}), content_type="application/json").json()
    other = ask("/api/v1/models/validate/", json.dumps({"model": "knn"}), content_type="application/json")
    fresh = ask("/api/v1/models/validate/", '{"model": "KNeighborsClassifier()"}', content_type="application/json")

    assert (same["earlier"]["id"], same["earlier"]["state"], same["earlier"]["score"]) == (
        submission.pk,
        "queued",
        None,
    )
    assert other.status_code == 400
    assert fresh.json()["earlier"] is None


@pytest.mark.parametrize(
    ("model", "dataset", "expected"),
    [
        ("KNeighborsClassifier()", "mnist", (255, False, False, False, False)),
        ("make_pipeline(StandardScaler(), RandomForestClassifier())", "digits", (16, False, False, False, True)),
        ("Sequential([Flatten(), Dense(10)])", "mnist", (255, True, False, False, False)),
        ("Sequential([Rescaling(0.1), Flatten(), Dense(10)])", "mnist", (255, True, True, False, False)),
        ("Sequential([Input((32, 32, 1)), Flatten(), Dense(10)])", "mnist", (255, True, False, True, False)),
    ],
)
def test_the_pixel_scale_depends_on_the_model(model, dataset, expected):
    scale = pixel_scale(parse(model), Quest(dataset=dataset))

    assert (scale.brightest, scale.network, scale.rescales, scale.padded, scale.steps) == expected


@pytest.mark.parametrize(
    "spec", [parse(PASTED), LENET_5, parse("RandomForestClassifier(class_weight={0: 1.5})")], ids=str
)
def test_every_format_describes_the_same_model(quest, spec):
    forms = {form.name: form.text for form in model_formats(spec, quest, service=SERVICE, engine="stock")}
    document = re.fullmatch(r"(.*) <<'MODEL'\n(.*)\nMODEL", forms["curl"], re.DOTALL)
    assert document
    command, body = document.groups()
    calls = [node for node in ast.walk(ast.parse(forms["python"])) if isinstance(node, ast.Call)]
    submit = next(call for call in calls if ast.unparse(call.func) == "quest.submit")

    assert parse(forms["notation"]) == spec
    assert json.loads(forms["json"]) == dump(spec)
    assert shlex.split(command)[:2] == ["curl", "https://quest.example.edu/api/v1/submissions/"]
    assert json.loads(body)["quest"] == quest.pk
    assert json.loads(body)["engine"] == "stock"
    assert parse(json.loads(body)["model"]) == spec
    assert parse(ast.literal_eval(submit.args[0])) == spec


def test_the_curl_example_is_accepted(owner_token, quest):
    curl = next(form.text for form in model_formats(SIMPLE_DIGITS, quest, service=SERVICE) if form.name == "curl")
    body = curl.split("<<'MODEL'\n")[1].removesuffix("\nMODEL")

    client = Client(headers={"Authorization": f"Token {owner_token}"})
    assert client.post("/api/v1/submissions/", body, content_type="application/json").status_code == 201
    assert Submission.objects.get().spec == dump(SIMPLE_DIGITS)


def test_the_page_shows_every_format_of_the_model(owner_client, quest):
    text = check(owner_client, quest, device="cpu", engine="stock")

    assert "http://testserver/api/v1/submissions/" in text
    assert "from mnist_quest import Quest" in text
    assert "device=&#x27;cpu&#x27;, engine=&#x27;stock&#x27;" in text


def test_a_submission_can_be_edited_and_resubmitted(owner_client, submission, quest):
    response = owner_client.get(f"/submit/?from={submission.pk}")

    assert response.context["mode"] == "knn"
    assert response.context["form"]["model_n_neighbors"].value() == "4"
    text = owner_client.get(f"/submit/?from={submission.pk}&way=paste").context["form"]["model"].value()
    assert text == submission.notation


def test_another_groups_model_fills_the_form_only_if_it_is_visible(stranger_client, submission, quest):
    assert stranger_client.get(f"/submit/?from={submission.pk}").context["mode"] == "knn"
    Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)

    assert stranger_client.get(f"/submit/?from={submission.pk}").context["mode"] == "paste"


@pytest.mark.parametrize("number", ["0", "99999999999999999999", "-1"])
def test_an_unknown_submission_leaves_the_form_empty(owner_client, quest, number):
    assert owner_client.get(f"/submit/?from={number}").context["form"]["model"].value() == ""


def test_every_preset_fills_the_form_of_its_family(quest):
    quest.dataset = "mnist"
    found = presets(quest)

    assert {"LeNet-5", "LeNet-5-like", "Keras’ simple convnet", "Dense net 512", "The feed’s p=4"} < set(found)
    for spec in found.values():
        parsed = form_for(spec.family, Entry(quest, None), preset=spec).parsed
        assert parsed
        assert parsed.spec == spec
    assert sum(parameters(SIMPLE_CONVNET) or ()) == 34_826  # as Keras' summary() has it


def test_the_remaining_quota_is_shown_beside_the_button(owner_client, quest, submission):
    text = owner_client.get("/submit/").content.decode()

    assert "49 left today; you can submit now." in text
