"""The page of a submission in a real browser: it fills by itself, and its wrong images are looked through."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_student import TRAINED_MS, assert_stayed, stay

pytestmark = [pytest.mark.browser, pytest.mark.trains, pytest.mark.stack, pytest.mark.long]

NET = """Sequential([Conv2D(4, 3, activation='relu'), Flatten(), Dense(10, activation='softmax')])
model.fit(x, y, epochs=4)"""


@pytest.fixture(scope="module")
def runs(stack) -> dict[str, int]:
    """Two of one group: one that is often wrong, and one that is not."""
    submitted = {"poor": "KNeighborsClassifier(n_neighbors=150)", "good": "KNeighborsClassifier()"}
    return {name: stack.wait(stack.submit(model, user="itmalgrp04"))["id"] for name, model in submitted.items()}


def drawn(page: Page, selector: str) -> bool:
    """Whether every image there has really been drawn."""
    return page.locator(selector).evaluate_all("images => images.every(i => i.complete && i.naturalWidth > 0)")


def test_a_network_is_followed_to_its_score_kernels_and_curves_without_a_reload(open_window, stack):
    page = open_window("itmalgrp04")
    run = stack.submit(NET, user="itmalgrp04")
    page.goto(f"/submissions/{run['id']}/")
    stay(page)

    expect(page.locator("#live .status .badge")).to_have_text("scored", ignore_case=True, timeout=TRAINED_MS)

    score = page.locator(".result .score").inner_text()
    expect(page).to_have_title(f"{score} · Submission {run['id']} · MNIST Search Quest")
    expect(page.locator(".kernels img")).to_have_count(4)
    expect(page.locator(".map-rows li")).to_have_count(10)
    expect(page.locator(".curve polyline")).to_have_count(2)
    assert drawn(page, ".insight img")
    assert_stayed(page)


def test_a_number_of_the_matrix_leads_to_its_images_and_back_without_a_reload(open_window, runs):
    page = open_window("itmalgrp04")
    page.goto(f"/submissions/{runs['poor']}/")
    stay(page)
    cell = page.locator("td[class^=heat] a").first
    images = int(cell.inner_text())

    cell.click()

    expect(page.locator("#wrong .digits li")).to_have_count(images)
    expect(page.locator("td.chosen")).to_have_count(1)
    assert "true=" in page.url
    assert drawn(page, "#wrong img")
    page.get_by_label("True class").select_option(label="any")
    expect(page.locator("td.chosen")).to_have_count(0)
    assert_stayed(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_two_are_compared(open_window, runs, scripts):
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


def test_the_tab_of_a_hidden_window_still_follows_its_run(open_window, stack):
    page = open_window("itmalgrp04")
    run = stack.submit("KNeighborsClassifier(n_neighbors=7)", user="itmalgrp04")
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => true })")
    page.goto(f"/submissions/{run['id']}/")

    score = stack.wait(run)["score"]

    expect(page).to_have_title(f"{score:.5f} · Submission {run['id']} · MNIST Search Quest")
