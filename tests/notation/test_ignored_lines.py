"""Ignored lines of a text: the API lists them, and the form asks to confirm those that may change the score."""

from __future__ import annotations

import re

import pytest

from submissions.models import Submission
from submissions.notation.reader import NotationError, read
from submissions.specs.network import CNN
from tests.pages.test_submit_page import field_error, paste

SCALED = "X = X / 255\nclf = KNeighborsClassifier(n_neighbors=4)\nclf.fit(X, y)\nprint(clf.score(X, y))"
DIVIDED = "line 1: X = X / 255 (pixels are used as stored; networks without Rescaling get them scaled to 0–1)"
TWO = "KNeighborsClassifier(n_neighbors=4)\nRandomForestClassifier(n_estimators=20)"


def value_of(response, name: str, place: int = 0) -> str:
    """The value of the checkbox or radio button of this name on the page."""
    return re.findall(rf'name="{name}"\s+value="(\w+)"', response.content.decode())[place]


def test_the_form_asks_to_confirm_lines_that_may_change_the_score(owner_client, quest):
    asked = owner_client.post("/submit/", paste(quest, SCALED))

    assert "may change your score" in field_error(asked, "acknowledged")
    assert DIVIDED in asked.content.decode()
    assert not Submission.objects.exists()

    owner_client.post("/submit/", paste(quest, SCALED, acknowledged=value_of(asked, "acknowledged")))
    assert Submission.objects.get().headline == "KNeighborsClassifier(n_neighbors=4)"


def test_training_an_unbound_name_trains_the_unnamed_model():
    parsed = read("Sequential([Input((784,)), Dense(10)])\nmodel.compile(loss='mse')\nmodel.fit(X, y, epochs=40)")

    assert isinstance(parsed.spec, CNN)
    assert (parsed.spec.epochs, parsed.spec.loss.name) == (40, "mean_squared_error")
    assert parsed.harmless == parsed.consequential == ()


def test_training_an_unknown_model_may_change_the_score():
    parsed = read("knn = KNeighborsClassifier(3)\nmodel.fit(X, y)\nmodel.predict(X)")

    assert parsed.harmless == ("line 3: model.predict(X)",)
    [trained] = parsed.consequential
    assert trained == "line 2: model.fit(X, y) (this text creates no model named model: assign the model to that name)"


NET = "model = Sequential([Flatten(), Dense(10)])\n"


@pytest.mark.parametrize(
    "line",
    [
        "%time history = model.fit(x, y, epochs=20)",
        "%timeit -n 1 -r 1 model.fit(x, y, epochs=20)",
        "%prun -s cumulative model.fit(x, y, epochs=20)",
        "%%time\nmodel.fit(x, y, epochs=20)",
        "h = model.fit(x, y, epochs=20).history['loss']",
        "pd.DataFrame(model.fit(x, y, epochs=20).history).plot()",
        "print(model.fit(x, y, epochs=20))",
        "print(f'{model.fit(x, y, epochs=20)}')",
        "time_it(model.fit(x, y, epochs=20))",
        "h = {'first': [model.fit(x, y, epochs=20)]}",
        "with tf.device('gpu'):\n  model.fit(x, y, epochs=20)",
        "try:\n  model.fit(x, y, epochs=20)\nexcept KeyboardInterrupt:\n  pass",
        "m = model\nm.fit(x, y, epochs=20)",
        "m = keras.models.clone_model(model)\nm.fit(x, y, epochs=20)",
    ],
)
def test_fit_is_read_wherever_it_runs_exactly_once(line):
    spec = read(NET + line).spec

    assert isinstance(spec, CNN)
    assert spec.epochs == 20


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("if new:\n  model.fit(x, y, epochs=20)", "Line 3: model.fit(…) in a loop, a condition or a function"),
        ("for e in range(20): model.fit(x, y)", "Line 2: model.fit(…) in a loop"),
        ("def train():\n  model.compile('sgd')", "Line 3: model.compile(…) in a loop"),
        ("train and model.fit(x, y, epochs=20)", "write it once on its own line, with all its epochs"),
        ("fit = lambda: model.fit(x, y)", "model.fit(…) in a loop"),
        ("[model.add(Dense(5)) for i in range(3)]", "model.add(…) in a loop"),
        ("model.add(Dense(64)) if deep else None", "write each layer on its own line"),
        (
            "add = model.add\nadd(Dense(64))",
            "Line 2: model.add under another name is not supported: call",
        ),
        ("partial(model.fit, epochs=20)(x, y)", "model.fit under another name is not supported"),
    ],
)
def test_training_that_may_run_never_or_many_times_is_refused(line, words):
    with pytest.raises(NotationError) as refused:
        read(NET + line)

    assert words in str(refused.value)


@pytest.mark.parametrize("line", ["train(model)", "def train(m):\n  m.fit(x, y)", "history = fit_all(model, x, y)"])
def test_training_inside_a_function_may_change_a_networks_score(line):
    assert any("training inside a function is ignored" in why for why in read(NET + line).consequential)
    assert not read(f"{line}\nmodel = KNeighborsClassifier()").consequential


@pytest.mark.parametrize(
    "line",
    ["clf", "x.shape", "scores['knn'] > 0.9", "'what I did'", "w = model.layers[0].get_weights()[0]", "lambda: 1"],
)
def test_every_ignored_line_is_listed(line):
    assert read(f"{NET}{line}").harmless == (f"line 2: {line}",)


def test_predictions_do_not_count_as_data():
    parsed = read(
        "knn = KNeighborsClassifier()\ny_pred = knn.predict(X) > 5\nDisplay(confusion_matrix(y, knn.predict(X)))"
    )

    assert not parsed.consequential


def test_padding_and_scaling_that_a_network_gets_anyway_are_harmless():
    padded = "x = np.pad(x / 255, ((0, 0), (2, 2), (2, 2)))\n"

    assert not read(f"{padded}Sequential([Input((32, 32, 1)), Flatten(), Dense(10)])").consequential
    assert len(read(f"{padded}Sequential([Input((28, 28)), Flatten(), Dense(10)])").consequential) == 1
    assert not read("x = x / 16\nSequential([Dense(10)])", dataset="digits").consequential
    assert read("x = x / 255\nSequential([Dense(10)])", dataset="digits").consequential


@pytest.mark.parametrize(
    "line", ["X = X.reshape(len(X), X.shape[1] * X.shape[2])", "y = y.astype(int)", "X = X[:60000]"]
)
def test_reshaping_the_data_is_harmless(line):
    assert not read(f"{line}\nKNeighborsClassifier()").consequential


def test_confirming_one_text_does_not_confirm_another(owner_client, quest):
    asked = owner_client.post("/submit/", paste(quest, SCALED))
    agreed = value_of(asked, "acknowledged")

    other = owner_client.post("/submit/", paste(quest, f"X = X[:500]\n{SCALED}", acknowledged=agreed))

    assert field_error(other, "acknowledged")
    assert not Submission.objects.exists()


def test_harmless_lines_need_no_confirmation(owner_client, quest):
    owner_client.post("/submit/", paste(quest, "import sklearn\nclf = KNeighborsClassifier()\nprint(clf)"))

    assert Submission.objects.count() == 1


def test_the_form_asks_to_choose_one_of_several_models(owner_client, quest):
    asked = owner_client.post("/submit/", paste(quest, TWO))

    assert "Choose one" in field_error(asked, "chosen")
    assert not Submission.objects.exists()

    owner_client.post("/submit/", paste(quest, TWO, chosen=value_of(asked, "chosen", 1)))
    assert Submission.objects.get().headline == "RandomForestClassifier(n_estimators=20)"


def test_a_check_shows_the_models_to_choose_from_and_the_chosen_one(owner_client, quest):
    looked = owner_client.post("/submit/check/", paste(quest, TWO), headers={"HX-Request": "true"})
    assert "contains several models" in looked.content.decode()

    chosen = value_of(looked, "chosen")
    again = owner_client.post("/submit/check/", paste(quest, TWO, chosen=chosen), headers={"HX-Request": "true"})
    assert re.search(rf'value="{chosen}"[^>]*checked', again.content.decode())
    assert "K nearest neighbours" in again.content.decode()


def test_the_api_accepts_the_model_and_returns_both_lists(owner_client, quest):
    answer = owner_client.post("/api/v1/submissions/", {"model": SCALED}, content_type="application/json")

    assert answer.status_code == 201
    lists = answer.json()["left_aside"]
    assert lists["consequential"] == [DIVIDED]
    assert "line 4: print(clf.score(X, y))" in lists["harmless"]


def test_the_api_refuses_several_models_naming_them(owner_client, quest):
    answer = owner_client.post("/api/v1/submissions/", {"model": TWO}, content_type="application/json")

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["field"] == "model"
    assert error["message"].startswith("Lines 1, 2 each have a model")
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


def test_an_unsupported_step_is_refused_beside_its_field(owner_client, quest):
    data = {"way": "knn", "quest": quest.pk, "key": "k", "model_preprocess": "PCA(65)"}
    assert "give at most 64" in field_error(owner_client.post("/submit/", data), "model_preprocess")

    data["model_preprocess"] = "Isomap()"
    assert "Isomap is not supported" in field_error(owner_client.post("/submit/", data), "model_preprocess")
