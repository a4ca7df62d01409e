"""The form of a network: layers a line each, how it is trained, and what is said where something does not fit."""

from __future__ import annotations

import pytest

from submissions.families.cnn import LENET_5, dense
from submissions.models import Quest, Submission
from submissions.specs import dump
from tests.test_submit_page import field_error

LAYERS = """Conv2D(4, 3, activation='relu')
MaxPooling2D()
Flatten()
Dense(10, activation='softmax')
"""


def network(quest, layers: str = LAYERS, **more) -> dict:
    return {"way": "cnn", "quest": quest.pk, "model_layers": layers, **more}


def filled(response) -> dict[str, str]:
    return {field.html_name: field.value() for field in response.context["form"].model_fields()}


def test_every_family_has_a_form(owner_client, quest):
    assert [*owner_client.get("/submit/").context["ways"].values()] == [
        "Paste", "K nearest neighbours", "Random forest", "Convolutional network",
    ]  # fmt: skip


def test_the_form_of_a_network_shows_what_is_filled_in(owner_client, quest):
    shown = filled(owner_client.get("/submit/?way=cnn"))

    assert (shown["model_optimizer_name"], shown["model_loss_name"]) == ("adam", "sparse_categorical_crossentropy")
    assert (shown["model_epochs"], shown["model_batch_size"], shown["model_validation_split"]) == ("5", "32", "0.0")


def test_every_field_of_a_network_has_a_line_of_help(owner_client, quest):
    assert all(field.help_text for field in owner_client.get("/submit/?way=cnn").context["form"].model_fields())


def test_a_network_is_submitted_by_its_layers_alone(owner_client, quest):
    owner_client.post("/submit/", network(quest))

    assert Submission.objects.get().headline == (
        "Sequential([Input((8, 8, 1)), Conv2D(4, 3, activation='relu'), MaxPooling2D(), Flatten(), "
        "Dense(10, activation='softmax')])"
    )


def test_the_form_of_a_network_submits_what_its_fields_say(owner_client, quest):
    training = {
        "model_optimizer_name": "sgd", "model_optimizer_learning_rate": "0.05", "model_epochs": "3",
        "model_loss_name": "categorical_crossentropy", "model_batch_size": "64", "model_validation_split": "0.1",
        "model_early_stopping_patience": "2", "model_seed": "7", "device": "cpu",
    }  # fmt: skip
    owner_client.post("/submit/", network(quest, **training))

    spec = Submission.objects.get().spec
    assert (spec["optimizer"]["name"], spec["optimizer"]["learning_rate"]) == ("sgd", 0.05)
    assert spec["loss"] == {"name": "categorical_crossentropy", "from_logits": False}
    assert (spec["epochs"], spec["batch_size"], spec["validation_split"], spec["seed"]) == (3, 64, 0.1, 7)
    assert spec["early_stopping"]["patience"] == 2


def test_another_optimizer_brings_its_own_learning_rate(owner_client, quest):
    shown = filled(owner_client.get("/submit/?way=cnn"))

    owner_client.post("/submit/", network(quest, **{**shown, "model_layers": LAYERS, "model_optimizer_name": "sgd"}))

    assert Submission.objects.get().spec["optimizer"]["learning_rate"] == 0.01


@pytest.mark.parametrize("last", ["Dense(10)", "RBF(10)"])
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_a_last_layer_that_gives_logits_gets_a_loss_on_logits(owner_client, quest, last, loss):
    owner_client.post("/submit/", network(quest, f"Flatten()\n{last}", model_loss_name=loss))

    assert Submission.objects.get().spec["loss"] == {"name": loss, "from_logits": True}


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ("Conv2D(4, 3)\nConv2D(4, 9)\nFlatten()\nDense(10)", "Line 2: Layer 2 does not fit: Conv2D's window of 9×9"),
        ("Flatten()\n\nDense(0)\nDense(10)", "Line 3: units: 0 is not allowed"),
        ("Flatten()\nDense(5)", "Line 2: Dense comes last and gives (5,)"),
        ("Flatten()\nLambda(f)", "Line 2: Lambda would run code"),
        ("Flatten()\nDense(10", "Line 2: this is not Python"),
        ("model.add(Dense(10))", "Line 1: write the layers alone"),
        ("model = Sequential()", "Line 1: write the layers alone"),
        ("Flatten()\nDropout(0.5, seed=1, seed=2)", "Line 2: "),
        ("Input((9, 9))\nFlatten()\nDense(10)", "Line 1: shape: (9, 9) is not a shape of these images"),
        (" \n", "Write the layers here"),
        ("# nothing", "Write the layers here"),
    ],
)
def test_a_layer_that_does_not_fit_is_named_by_its_line(owner_client, quest, layers, said):
    assert field_error(owner_client.post("/submit/", network(quest, layers)), "model_layers").startswith(said)


@pytest.mark.parametrize(
    "layers",
    [
        LAYERS.replace("\n", ",\n"),
        f"[{LAYERS.replace(chr(10), ', ')}]",
        "    keras.layers.Flatten(),\n  layers.Dense(10)",
    ],
)
def test_layers_may_come_as_they_stand_in_a_list(owner_client, quest, layers):
    owner_client.post("/submit/", network(quest, layers))

    assert Submission.objects.get().family == "cnn"


@pytest.mark.parametrize(
    ("field", "value", "beside"),
    [
        ("epochs", "0", "epochs"),
        ("optimizer_learning_rate", "-1", "optimizer_learning_rate"),
        ("optimizer_learning_rate", "fast", "optimizer_learning_rate"),
        ("early_stopping_patience", "3", "early_stopping_patience"),
        ("batch_size", "1; 2", "batch_size"),
        ("loss_from_logits", "perhaps", "loss_from_logits"),
    ],
)
def test_a_networks_errors_stand_beside_the_field_that_they_name(owner_client, quest, field, value, beside):
    assert field_error(owner_client.post("/submit/", network(quest, **{f"model_{field}": value})), f"model_{beside}")


def test_the_quests_limits_hold_for_the_form_of_a_network(owner_client, quest):
    Quest.objects.update(max_epochs=3, max_parameters=None)

    assert "quest's limit of 3" in field_error(owner_client.post("/submit/", network(quest)), "model_epochs")


def test_checking_a_network_shows_shapes_and_parameters(owner_client, quest):
    response = owner_client.post("/submit/check/", network(quest), headers={"HX-Request": "true"})

    text = response.content.decode()
    assert "(6, 6, 4)" in text
    assert "410 parameters" in text


def test_a_preset_fills_the_form_of_a_network(owner_client, quest):
    Quest.objects.update(dataset="mnist")
    response = owner_client.get("/submit/?way=cnn&preset=LeNet-5")

    assert "60,856 trainable and 840 fixed parameters" in response.content.decode()
    owner_client.post("/submit/", {"way": "cnn", "quest": quest.pk, **filled(response)})
    assert Submission.objects.get().spec == dump(LENET_5)


def test_a_dense_net_of_a_chosen_width_fills_the_form(owner_client, quest):
    response = owner_client.get("/submit/?way=cnn&width=100")

    assert filled(response)["model_layers"].startswith("Input((64,))\nDense(100, activation='relu')\nDropout(0.5)")
    owner_client.post("/submit/", {"way": "cnn", "quest": quest.pk, **filled(response)})
    assert Submission.objects.get().spec == dump(dense(100, pixels=64))


@pytest.mark.parametrize("width", ["0", "wide", "99999", "16384", ""])
def test_a_width_that_makes_no_net_is_refused_beside_it(owner_client, quest, width):
    response = owner_client.get(f"/submit/?way=cnn&width={width}")

    assert response.context["width_form"].errors["width"]
    assert 'class="errorlist"' in response.content.decode()
