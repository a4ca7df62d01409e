"""A submission's page in a real browser: it updates itself, and shows the misclassified images."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_student import TRAINED_MS, assert_not_reloaded, mark

pytestmark = [pytest.mark.browser, pytest.mark.trains, pytest.mark.stack, pytest.mark.long]

NET = """Sequential([Conv2D(4, 3, activation='relu'), Flatten(), Dense(10, activation='softmax')])
model.fit(x, y, epochs=4)"""


@pytest.fixture(scope="module")
def runs(stack) -> dict[str, int]:
    """Two scored submissions of one group: a poor and a good one."""
    submitted = {"poor": "KNeighborsClassifier(n_neighbors=150)", "good": "KNeighborsClassifier()"}
    return {name: stack.wait(stack.submit(model, user="itmalgrp04"))["id"] for name, model in submitted.items()}


def loaded(page: Page, selector: str) -> bool:
    """Whether the browser has loaded every image that the selector finds."""
    return page.locator(selector).evaluate_all("images => images.every(i => i.complete && i.naturalWidth > 0)")


def test_a_networks_score_kernels_and_curves_appear_without_a_reload(open_window, stack):
    page = open_window("itmalgrp04")
    run = stack.submit(NET, user="itmalgrp04")
    page.goto(f"/submissions/{run['id']}/")
    mark(page)

    expect(page.locator("#live .status .badge")).to_have_text("scored", ignore_case=True, timeout=TRAINED_MS)

    score = page.locator(".result .score").inner_text()
    expect(page).to_have_title(f"{score} · Submission {run['id']} · MNIST Search Quest")
    expect(page.locator(".kernels img")).to_have_count(4)
    expect(page.locator(".map-rows li")).to_have_count(10)
    expect(page.locator(".curve polyline")).to_have_count(2)
    assert loaded(page, ".insight img")
    assert_not_reloaded(page)


def test_a_cell_of_the_matrix_selects_its_images_without_a_reload(open_window, runs):
    page = open_window("itmalgrp04")
    page.goto(f"/submissions/{runs['poor']}/")
    mark(page)
    cell = page.locator("td[class^=heat] a").first
    images = int(cell.inner_text())

    cell.click()

    expect(page.locator("#wrong .digits li")).to_have_count(images)
    expect(page.locator("td.chosen")).to_have_count(1)
    assert "true=" in page.url
    assert loaded(page, "#wrong img")
    page.get_by_label("True class").select_option(label="any")
    expect(page.locator("td.chosen")).to_have_count(0)
    assert_not_reloaded(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_two_submissions_are_compared(open_window, runs, scripts):
    page = open_window("itmalgrp04", java_script_enabled=scripts)
    page.goto(f"/submissions/{runs['good']}/")
    page.get_by_role("link", name="Compare").click()
    page.get_by_label("Compare submission").select_option(str(runs["poor"]))
    page.get_by_role("button", name="Compare").click()

    expect(page.locator(".verdict")).to_contain_text(f"higher than submission {runs['poor']}")
    expect(page.locator(".compared")).to_contain_text("n_neighbors")
    expect(page.locator("#only-first .digits li").first).to_be_visible()


def test_the_notation_is_copied(open_window, runs, stack):
    page = open_window("itmalgrp04")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=stack.url)
    page.goto(f"/submissions/{runs['good']}/")

    page.get_by_role("button", name="Copy Notation").click()

    expect(page.get_by_role("button", name="Copy Notation")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "KNeighborsClassifier()"


def test_the_title_of_a_hidden_tab_still_shows_the_new_score(open_window, stack):
    page = open_window("itmalgrp04")
    run = stack.submit("KNeighborsClassifier(n_neighbors=7)", user="itmalgrp04")
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => true })")
    page.goto(f"/submissions/{run['id']}/")

    score = stack.wait(run)["score"]

    expect(page).to_have_title(f"{score:.5f} · Submission {run['id']} · MNIST Search Quest")
