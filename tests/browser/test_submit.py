"""The submit page in a real browser: questions before submitting, and the builder by mouse and keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_student import assert_not_reloaded, mark, press_submit

pytestmark = [pytest.mark.browser, pytest.mark.trains, pytest.mark.stack, pytest.mark.long]

SCALED = "X_train = StandardScaler().fit_transform(X_train)\nmodel = KNeighborsClassifier(n_neighbors=6)"
SEVERAL = "a = KNeighborsClassifier(n_neighbors=8)\nb = KNeighborsClassifier(n_neighbors=9, p=1)"


def layers(page: Page) -> list[str]:
    return page.locator(".layer h3").all_inner_texts()


def layer(page: Page, place: int) -> Locator:
    return page.locator(f'.layer[data-place="{place}"]')


def add(page: Page, kind: str) -> None:
    page.get_by_label("Add a layer").select_option(kind)
    page.get_by_role("button", name="Add", exact=True).click()


def test_ignored_lines_that_may_change_the_score_must_be_confirmed(open_window):
    page = open_window("itmalgrp04")
    page.goto("/submit/")
    page.get_by_label("Your model").fill(SCALED)
    checkbox = page.get_by_label("I understand these lines will be ignored")
    expect(checkbox).to_be_visible()

    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.locator(".consequential")).to_contain_text("Confirm that you understand")
    expect(checkbox).to_be_focused()
    expect(page.get_by_label("Your model")).to_have_value(SCALED)
    checkbox.check()
    press_submit(page)

    expect(page.locator("main")).to_contain_text("KNeighborsClassifier(n_neighbors=6)")


def test_the_chosen_one_of_several_models_is_submitted(open_window):
    page = open_window("itmalgrp04")
    page.goto("/submit/")
    page.get_by_label("Your model").fill(SEVERAL)

    page.get_by_label("line 2:").check()
    expect(page.locator("#written-notation")).to_have_text("KNeighborsClassifier(n_neighbors=9, p=1)")
    press_submit(page)

    expect(page.locator("main")).to_contain_text("KNeighborsClassifier(n_neighbors=9, p=1)")


def test_layers_are_added_moved_and_removed_and_keep_the_focus(open_window):
    page = open_window("itmalgrp03")
    page.goto("/submit/?way=cnn")
    mark(page)

    add(page, "Conv2D")
    expect(page.locator("#layer-1-told")).to_contain_text("(6, 6, 32)")
    expect(layer(page, 1).get_by_label("filters")).to_be_focused()
    layer(page, 1).get_by_label("filters").fill("4")
    expect(page.locator("#layer-1-told")).to_contain_text("(6, 6, 4)")
    expect(page.locator("#builder-total")).to_contain_text("1,490 parameters")
    expect(layer(page, 1).get_by_label("filters")).to_be_focused()

    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#layer-2-told")).to_contain_text("Layer 2 does not fit")
    assert layers(page) == ["Input", "Flatten", "Conv2D", "Dense"]
    expect(layer(page, 2).get_by_label("filters")).to_be_focused()
    expect(layer(page, 2).get_by_label("filters")).to_have_value("4")
    expect(page.locator("#builder-total")).to_contain_text("Not valid yet")

    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#layer-1-told")).to_contain_text("(6, 6, 4)")
    page.get_by_role("button", name="Remove layer 1, Conv2D").press("Enter")
    expect(page.locator("#builder-said")).to_have_text("Removed Conv2D.")
    expect(page.get_by_role("button", name="Remove layer 1, Flatten")).to_be_focused()
    assert layers(page) == ["Input", "Flatten", "Dense"]
    assert_not_reloaded(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_an_error_is_shown_beside_its_field_while_typing_and_after_submitting(open_window, width):
    page = open_window("itmalgrp03", width=width)
    page.goto("/submit/?way=knn")
    mark(page)
    power = page.get_by_label("p", exact=True)
    errors = page.locator("#id_model_p_errors")

    power.fill("0.2")
    expect(errors).to_contain_text("give a number from 1 to 100")
    expect(power).to_have_attribute("aria-invalid", "true")
    assert_not_reloaded(page)
    page.get_by_role("button", name="Submit", exact=True).click()  # the browser's own validation is off
    expect(power).to_be_focused()
    expect(errors).to_contain_text("give a number from 1 to 100")
    expect(power).to_have_value("0.2")

    power.fill("3")
    expect(errors).to_be_empty()
    expect(power).not_to_have_attribute("aria-invalid", "true")


def test_an_invalid_layer_is_marked_while_typing(open_window):
    page = open_window("itmalgrp03")
    page.goto("/submit/?way=cnn")
    units = layer(page, 2).get_by_label("units")
    valid = border(layer(page, 2))

    units.fill("many")
    expect(page.locator("#layer-2-told")).to_contain_text("units: 'many' is not allowed")
    expect(units).to_have_attribute("aria-invalid", "true")
    assert border(layer(page, 2)) != valid

    units.fill("10")
    page.get_by_label("epochs").fill("-3")
    expect(page.locator("#id_model_epochs_errors")).to_contain_text("give a whole number from 1")
    expect(units).not_to_have_attribute("aria-invalid", "true")


def border(element: Locator) -> str:
    """The element's border colour without focus and pointer."""
    page = element.page
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    return element.evaluate("element => getComputedStyle(element).borderTopColor")


def test_the_builder_works_without_scripts(open_window):
    page = open_window("itmalgrp03", java_script_enabled=False)
    page.goto("/submit/?way=cnn")

    add(page, "MaxPooling2D")
    page.get_by_role("button", name="Move layer 1, MaxPooling2D, down").click()
    assert layers(page) == ["Input", "Flatten", "MaxPooling2D", "Dense"]
    page.get_by_label("epochs").fill("1")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(layer(page, 2)).to_contain_text("MaxPooling2D takes height, width and channels")
    expect(page.get_by_label("epochs")).to_have_value("1")
    page.get_by_role("button", name="Move layer 2, MaxPooling2D, up").click()

    press_submit(page)


def test_a_pasted_network_is_finished_in_the_builder(open_window):
    page = open_window("itmalgrp03")
    page.goto("/submit/")
    page.get_by_label("Your model").fill("Sequential([Flatten(), Dense(7, activation='relu'), Dense(10)])")
    page.get_by_role("button", name="Edit in the form").click()

    expect(layer(page, 2).get_by_label("units")).to_have_value("7")


def test_enter_in_a_field_submits_nothing(open_window):
    page = open_window("itmalgrp03")
    page.goto("/submit/?way=knn")

    page.get_by_label("n_neighbors").fill("11")
    page.keyboard.press("Enter")

    expect(page.locator("#written-notation")).to_have_text("KNeighborsClassifier(n_neighbors=11)")
    assert "/submit/" in page.url


def test_the_model_is_copied_as_a_curl_command(open_window):
    page = open_window("itmalgrp03", permissions=["clipboard-read", "clipboard-write"])
    page.goto("/submit/?way=knn")

    page.get_by_text("curl", exact=True).click()
    page.get_by_role("button", name="Copy curl").click()

    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r'^curl http.*"model": "KNeighborsClassifier\(\)"', copied, re.DOTALL)
    page.get_by_label("n_neighbors").fill("2")
    expect(page.locator("#written-curl")).to_contain_text("n_neighbors=2")
    expect(page.locator("#written-curl")).to_be_visible()  # still open


@pytest.mark.parametrize("way", ["paste", "knn", "forest", "cnn"])
def test_the_submit_page_fits_a_phone(open_window, way):
    page = open_window("itmalgrp03", width=390)
    page.goto(f"/submit/?way={way}")
    if way == "cnn":
        for kind in ("SeparableConv2D", "ZeroPadding2D", "BatchNormalization"):
            add(page, kind)
            expect(page.locator("#builder-said")).to_contain_text(kind)
        for more in page.locator(".layer summary").all():
            more.click()
    for form in page.locator(".written summary").all():
        form.click()

    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
