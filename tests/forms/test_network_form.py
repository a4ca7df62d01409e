"""The network form: a row for each layer, fields for training, and errors beside what does not fit."""

from __future__ import annotations

from typing import cast

import pytest

from submissions.families.network import LENET_5, dense
from submissions.forms.input_modes import form_for
from submissions.forms.layer_form import row_from_layer
from submissions.forms.network_form import NetworkForm, WidthForm
from submissions.models import Quest, Submission
from submissions.notation.reader import parse
from submissions.quests.eligibility import Entry
from submissions.specs.network import CNN
from submissions.specs.spec import dump
from tests.pages.test_submit_page import field_error

pytestmark = pytest.mark.slow

LAYERS = "Conv2D(4, 3, activation='relu'), MaxPooling2D(), Flatten(), Dense(10, activation='softmax')"
SMALL = [
    {"kind": "Input", "shape": "(8, 8, 1)"},
    {"kind": "Flatten"},
    {"kind": "Dense", "units": "10", "activation": "softmax"},
]


def fields(*rows: dict[str, str]) -> dict[str, str]:
    """The rows as the form sends them."""
    return {f"layer-{place}-{name}": text for place, row in enumerate(rows) for name, text in row.items()}


def rows(layers: str = LAYERS) -> list[dict[str, str]]:
    """The rows of a network that is written as code."""
    net = cast(CNN, parse(f"Sequential([Input((8, 8, 1)), {layers}])"))
    return [row_from_layer(layer) for layer in net.layers]


def network(quest, *listed: dict[str, str], **more) -> dict:
    return {"way": "cnn", "quest": quest.pk, **fields(*(listed or rows())), **more}


def filled(response) -> dict[str, str]:
    form = response.context["form"]
    shown = {field.html_name: field.value() for row in form.rows for field in row}
    return shown | {field.html_name: field.value() for field in form.model_fields()}


def refused(quest, data: dict) -> NetworkForm:
    """The refused form, without its page, which is slow to render."""
    form = form_for("cnn", Entry(quest, None), data)
    assert isinstance(form, NetworkForm)
    assert not form.is_valid()
    return form


def test_every_family_has_a_form(owner_client, quest):
    assert [*owner_client.get("/submit/").context["modes"].values()] == [
        "Paste", "K nearest neighbours", "Random forest", "Convolutional network",
    ]  # fmt: skip


def test_the_network_form_shows_the_default_values(owner_client, quest):
    shown = filled(owner_client.get("/submit/?way=cnn"))

    assert (shown["model_optimizer_name"], shown["model_loss_name"]) == ("adam", "sparse_categorical_crossentropy")
    assert (shown["model_epochs"], shown["model_batch_size"], shown["model_validation_split"]) == ("5", "32", "0.0")


def test_the_network_form_begins_with_the_smallest_valid_network(owner_client, quest):
    response = owner_client.get("/submit/?way=cnn")

    owner_client.post("/submit/", {"way": "cnn", "quest": quest.pk, **filled(response)})

    assert Submission.objects.get().headline == (
        "Sequential([Input((8, 8, 1)), Flatten(), Dense(10, activation='softmax')])"
    )


def test_every_field_of_a_network_has_a_line_of_help(owner_client, quest):
    assert all(field.help_text for field in owner_client.get("/submit/?way=cnn").context["form"].model_fields())


def test_a_network_can_be_submitted_with_layers_only(owner_client, quest):
    owner_client.post("/submit/", network(quest))

    assert Submission.objects.get().headline == f"Sequential([Input((8, 8, 1)), {LAYERS}])"


def test_the_network_form_submits_its_fields(owner_client, quest):
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


def test_every_layer_parameter_can_be_entered(owner_client, quest):
    layers = (
        "ZeroPadding2D(((1, 0), (0, 2))), Conv2D(4, (3, 2), strides=(1, 2), padding='same', use_bias=False), "
        "BatchNormalization(momentum=0.9), LeakyReLU(0.1), AveragePooling2D(2, strides=1), SpatialDropout2D(0.2), "
        "SeparableConv2D(8, 2, dilation_rate=2, padding='same'), GlobalMaxPooling2D(), Dropout(0.5, seed=3), Dense(10)"
    )

    owner_client.post("/submit/", network(quest, *rows(layers)))

    assert Submission.objects.get().spec == dump(parse(f"Sequential([Input((8, 8, 1)), {layers}])"))


def test_the_largest_allowed_network_fits_the_form(owner_client, quest):
    many = ", ".join(["SeparableConv2D(1, 1)"] * 61)

    owner_client.post("/submit/", network(quest, *rows(f"{many}, Flatten(), Dense(10)")))

    assert len(Submission.objects.get().spec["layers"]) == 64


def test_another_optimizer_brings_its_own_learning_rate(owner_client, quest):
    shown = filled(owner_client.get("/submit/?way=cnn"))

    owner_client.post("/submit/", network(quest, **{**shown, **fields(*rows()), "model_optimizer_name": "sgd"}))

    assert Submission.objects.get().spec["optimizer"]["learning_rate"] == 0.01


@pytest.mark.parametrize("last", ["Dense(10)", "RBF(10)"])
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_a_last_layer_that_gives_logits_gets_a_loss_on_logits(owner_client, quest, last, loss):
    owner_client.post("/submit/", network(quest, *rows(f"Flatten(), {last}"), model_loss_name=loss))

    assert Submission.objects.get().spec["loss"] == {"name": loss, "from_logits": True}


@pytest.mark.parametrize(
    ("place", "row", "message"),
    [
        (1, {"kind": "Conv2D", "filters": "4", "kernel_size": "9"}, "Layer 1 does not fit: Conv2D's window of 9×9"),
        (1, {"kind": "Dense", "units": "0"}, "units: 0 is not allowed"),
        (1, {"kind": "Conv2D", "kernel_size": "3"}, "filters: "),
        (1, {"kind": "Conv2D", "filters": "4", "kernel_size": "f(3)"}, "kernel_size: "),
        (1, {"kind": "Dropout", "rate": "1; 2"}, "rate: Enter a single value."),
        (2, {"kind": "Dense", "units": "5"}, "The last layer, Dense, outputs (5,)"),
        (2, {"kind": "RBF", "units": "11"}, "units: "),
        (0, {"kind": "Input", "shape": "(9, 9)"}, "shape: (9, 9) does not match these images"),
        (1, {"kind": "Dense", "units": "x" * 9_000}, "units: "),
        (1, {"kind": "Dense", "units": "1\0"}, "units: "),
    ],
)
def test_a_layers_error_is_shown_at_that_layer(quest, place, row, message):
    form = refused(quest, network(quest, *SMALL[:place], row, *SMALL[place + 1 :]))

    assert form.rows[place].error_messages[0][1].startswith(message)
    assert f"Layer {place}" in form.errors["model_layers"][0]
    assert not any(form.rows[other].error_messages for other in range(3) if other != place)


def test_refused_input_is_kept(owner_client, quest):
    response = owner_client.post("/submit/", network(quest, SMALL[0], {"kind": "Dense", "units": "many"}, SMALL[2]))

    assert filled(response)["layer-1-units"] == "many"
    assert 'aria-invalid="true"' in response.content.decode()


@pytest.mark.parametrize(
    "odd", [{}, {"layer-x-kind": "Dense"}, {"layer-0-kind": "Lambda"}, {"layer-999999-kind": "Dense"}]
)
def test_a_form_without_known_layers_is_refused(quest, odd):
    assert refused(quest, {"way": "cnn", "quest": quest.pk, **odd}).errors["model_layers"]


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
def test_a_networks_errors_are_shown_beside_the_field_that_they_name(quest, field, value, beside):
    assert refused(quest, network(quest, **{f"model_{field}": value})).errors[f"model_{beside}"]


def test_the_quests_limits_apply_to_the_network_form(owner_client, quest):
    Quest.objects.update(max_epochs=3, max_parameters=None)

    assert "quest's limit of 3" in field_error(owner_client.post("/submit/", network(quest)), "model_epochs")


def test_checking_a_network_shows_shapes_and_parameters_at_each_layer(owner_client, quest):
    response = owner_client.post("/submit/check/", network(quest), headers={"HX-Request": "true"})

    text = response.content.decode()
    assert [row.output for row in response.context["form"].rows] == [(8, 8, 1), (6, 6, 4), (3, 3, 4), (36,), (10,)]
    assert "(6, 6, 4)" in text
    assert "410 parameters" in text
    assert 'id="layer-1-told"' in text
    assert 'id="builder"' not in text  # the fields being edited are not replaced


def test_shapes_are_shown_up_to_the_first_layer_that_does_not_fit(owner_client, quest):
    wrong = {"kind": "Conv2D", "filters": "4", "kernel_size": "9"}
    listed = [*rows()[:3], wrong, *rows()[3:]]

    response = owner_client.post("/submit/check/", network(quest, *listed), headers={"HX-Request": "true"})

    assert [row.output for row in response.context["form"].rows] == [(8, 8, 1), (6, 6, 4), (3, 3, 4), None, None, None]
    assert "Not valid yet" in response.content.decode()


def test_a_preset_fills_the_network_form(owner_client, quest):
    Quest.objects.update(dataset="mnist")
    response = owner_client.get("/submit/?way=cnn&preset=LeNet-5")

    assert "60,856 trainable and 840 fixed parameters" in response.content.decode()
    owner_client.post("/submit/", {"way": "cnn", "quest": quest.pk, **filled(response)})
    assert Submission.objects.get().spec == dump(LENET_5)


def test_a_dense_net_of_a_chosen_width_fills_the_form(owner_client, quest):
    response = owner_client.get("/submit/?way=cnn&width=100")

    owner_client.post("/submit/", {"way": "cnn", "quest": quest.pk, **filled(response)})
    assert Submission.objects.get().spec == dump(dense(100, pixels=64))


@pytest.mark.parametrize("width", ["0", "wide", "99999", "16384", ""])
def test_an_invalid_width_is_refused(quest, width):
    assert WidthForm({"width": width}, entry=Entry(quest, None)).errors["width"]


def test_an_invalid_width_is_reported_beside_the_field(owner_client, quest):
    assert 'class="errorlist"' in owner_client.get("/submit/?way=cnn&width=0").content.decode()
