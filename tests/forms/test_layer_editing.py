"""Adding, removing and moving layers with the buttons of the network form, with and without scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from submissions.forms.layer_editing import LayerEdit, apply_edit
from submissions.forms.layer_form import Row
from submissions.models import Submission
from tests.forms.test_network_form import filled, network, rows


def press(client, quest, change: str, *listed, htmx: bool = True, **more: Any):
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post("/submit/build/", network(quest, *listed, change=change, **more), headers=headers)


def after_pressing(change: str, kind: str = "", after: str = "fits", listed: list[Row] | None = None) -> list[str]:
    edit = LayerEdit.from_post({"change": change, "add-kind": kind, "add-after": after})
    return [row["kind"] for row in apply_edit(listed or rows(), edit)[0]]


def kinds(response) -> list[str]:
    return [row.name for row in response.context["form"].rows]


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ("up-2", "Input MaxPooling2D Conv2D Flatten Dense"),
        ("down-1", "Input MaxPooling2D Conv2D Flatten Dense"),
        ("down-3", "Input Conv2D MaxPooling2D Dense Flatten"),
        ("remove-2", "Input Conv2D Flatten Dense"),
        ("remove-4", "Input Conv2D MaxPooling2D Flatten"),
        # Input stays first, and no layer moves beyond the ends.
        ("up-1", "Input Conv2D MaxPooling2D Flatten Dense"),
        ("up-0", "Input Conv2D MaxPooling2D Flatten Dense"),
        ("down-4", "Input Conv2D MaxPooling2D Flatten Dense"),
        ("down-0", "Input Conv2D MaxPooling2D Flatten Dense"),
        ("remove-0", "Input Conv2D MaxPooling2D Flatten Dense"),
        ("remove-99", "Input Conv2D MaxPooling2D Flatten Dense"),
        ("up-two", "Input Conv2D MaxPooling2D Flatten Dense"),
        ("burn-2", "Input Conv2D MaxPooling2D Flatten Dense"),
        ("", "Input Conv2D MaxPooling2D Flatten Dense"),
    ],
)
def test_a_button_moves_or_removes_its_layer(change, after):
    assert after_pressing(change) == after.split()


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("Conv2D", "Input Conv2D MaxPooling2D Conv2D Flatten Dense"),
        ("Dense", "Input Conv2D MaxPooling2D Flatten Dense Dense"),
        ("Dropout", "Input Conv2D MaxPooling2D Flatten Dropout Dense"),
        ("MaxPooling2D", "Input Conv2D MaxPooling2D MaxPooling2D Flatten Dense"),
    ],
)
def test_a_layer_is_added_at_the_last_place_where_it_fits_before_the_output(kind, after):
    assert after_pressing("add", kind) == after.split()


@pytest.mark.parametrize(("after", "place"), [("0", 1), ("2", 3), ("4", 5), ("99", 5)])
def test_a_layer_is_added_after_the_chosen_one(after, place):
    assert after_pressing("add", "BatchNormalization", after).index("BatchNormalization") == place


def test_a_layer_that_fits_nowhere_is_added_with_a_message():
    flat = rows("Flatten(), Dense(16, activation='relu'), Dense(10, activation='softmax')")
    flat[0]["shape"] = "(64,)"
    added = LayerEdit.from_post({"change": "add", "add-kind": "Conv2D"})

    listed, result = apply_edit(flat, added)

    assert [row["kind"] for row in listed] == ["Input", "Flatten", "Dense", "Conv2D", "Dense"]
    assert result
    assert result.message == "Added Conv2D as layer 3, although it fits nowhere in this network."
    _, result = apply_edit(rows(), added)
    assert result
    assert result.message == "Added Conv2D as layer 3."


def test_without_an_output_layers_are_added_at_the_end():
    assert after_pressing("add", "Dense", listed=rows()[:4])[-1] == "Dense"


@pytest.mark.parametrize("kind", ["Input", "Lambda", ""])
def test_only_known_layers_are_added(kind):
    assert len(after_pressing("add", kind)) == 5


def test_no_more_layers_are_added_than_the_service_allows():
    many = [rows()[0], *[{"kind": "Flatten"}] * 62, rows()[4]]

    assert len(after_pressing("add", "Flatten", listed=many)) == 64


def test_field_values_move_with_their_layer_even_if_invalid(owner_client, quest):
    listed = rows()
    listed[1]["filters"] = "lots"

    moved = filled(press(owner_client, quest, "down-1", *listed, model_epochs="77"))

    assert (moved["layer-2-filters"], moved["model_epochs"]) == ("lots", "77")


def test_focus_stays_on_the_moved_layer_with_a_message(owner_client, quest):
    text = press(owner_client, quest, "down-1").content.decode()

    focused = re.findall(r"<button[^>]*autofocus[^>]*>", text)
    assert len(focused) == 1
    assert 'value="down-2"' in focused[0]
    assert "Conv2D is now layer 2." in text


def test_at_the_end_of_the_list_focus_moves_to_the_opposite_button(owner_client, quest):
    text = press(owner_client, quest, "up-2").content.decode()

    assert 'value="down-1"' in re.findall(r"<button[^>]*autofocus[^>]*>", text)[0]


def test_an_added_layer_is_ready_to_be_typed_in(owner_client, quest):
    added: dict[str, Any] = {"add-kind": "Dense"}
    text = press(owner_client, quest, "add", **added).content.decode()

    assert re.findall(r"<input[^>]*autofocus[^>]*>", text)[0].count('name="layer-4-units"') == 1


def test_an_edit_updates_the_whole_network_and_saves_nothing(owner_client, quest):
    text = press(owner_client, quest, "remove-2").content.decode()

    assert 'id="understood"' in text
    assert "(144,)" in text
    assert "<html" not in text
    assert not Submission.objects.exists()


def test_without_scripts_a_button_loads_the_whole_page(owner_client, quest):
    text = press(owner_client, quest, "remove-2", htmx=False, note="kept").content.decode()

    assert "<html" in text
    assert "(144,)" in text
    assert ">\nkept</textarea>" in text


def test_a_pasted_network_can_be_edited_in_the_form(owner_client, quest):
    pasted = "Sequential([Conv2D(4, 3), Flatten(), Dense(10)])\nmodel_fit = 1"
    data = {"way": "paste", "quest": quest.pk, "model": pasted, "note": "kept", "device": "cpu"}

    response = owner_client.post("/submit/as/cnn/", data)

    assert kinds(response) == ["Input", "Conv2D", "Flatten", "Dense"]
    assert response.context["form"]["note"].value() == "kept"
    assert response.context["form"]["device"].value() == "cpu"


def test_a_form_can_be_edited_as_text(owner_client, quest):
    response = owner_client.post("/submit/as/paste/", network(quest, model_epochs="7"))

    assert "epochs=7" in response.context["form"]["model"].value()


@pytest.mark.parametrize(("way", "model"), [("cnn", "SVC()"), ("svm", "KNeighborsClassifier()")])
def test_a_model_that_cannot_switch_modes_stays_unchanged(owner_client, quest, way, model):
    response = owner_client.post(f"/submit/as/{way}/", {"way": "paste", "quest": quest.pk, "model": model})

    assert response.context["form"]["model"].value() == model
