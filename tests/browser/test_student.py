"""A student's work, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in

pytestmark = [pytest.mark.browser, pytest.mark.trains, pytest.mark.stack]

MODEL = "KNeighborsClassifier(n_neighbors=3, weights='distance')"
TRAINED_MS = 120_000
LIVE_MS = 5_000  # about a second, and some more on a busy machine


def press_submit(page: Page) -> int:
    """Press Submit; returns the number of the new submission."""
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url("**/submissions/*/")
    return int(page.url.rstrip("/").rpartition("/")[2])


def mark(page: Page) -> None:
    """Set a variable in the page, which a reload would remove."""
    page.evaluate("window.marked = true")


def assert_not_reloaded(page: Page) -> None:
    """Check that the page was not reloaded since `mark`."""
    assert page.evaluate("window.marked === true"), "the page was reloaded"


def test_a_pasted_model_is_read_trained_and_shown_on_the_board_without_a_reload(open_window):
    board, page = open_window(), open_window("itmalgrp01")
    board.goto("/?show=all")
    mark(board)

    page.get_by_role("link", name="Submit", exact=True).click()
    page.get_by_label("Your model").fill(MODEL)
    expect(page.locator("#understood")).to_contain_text(MODEL)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#understood")).to_contain_text("leaf_size")
    number = press_submit(page)
    mark(page)

    expect(page.locator("#live .status .badge")).to_have_text("scored", ignore_case=True, timeout=TRAINED_MS)
    row = board.locator(f"#place-{number}")
    expect(row).to_be_visible(timeout=LIVE_MS)
    expect(row).to_contain_text("ITMALGrp01")
    expect(row).to_contain_text(page.locator(".result .score").inner_text())
    assert_not_reloaded(page)
    assert_not_reloaded(board)


def test_a_refused_model_is_explained_while_it_is_typed(open_window):
    page = open_window("itmalgrp01")
    page.goto("/submit/")

    page.get_by_label("Your model").fill("KNeighborsClassifier(n_neighbours=4)")

    expect(page.locator("#understood")).to_contain_text("did you mean n_neighbors?")


def test_a_network_is_built_in_the_form_from_a_dense_network_of_a_chosen_width(open_window):
    page = open_window("itmalgrp03")
    page.goto("/submit/")
    page.get_by_role("link", name="Convolutional network").click()
    page.get_by_label("Dense network of width").fill("16")
    page.get_by_role("button", name="Fill in").click()
    expect(page.locator(".layer h3")).to_have_text(["Input", "Dense", "Dropout", "Dense", "Dropout", "Dense"])
    page.get_by_label("epochs").fill("2")

    press_submit(page)

    expect(page.locator("#live .status .badge")).to_have_text("scored", ignore_case=True, timeout=TRAINED_MS)
    expect(page.locator("main")).to_contain_text("Epoch")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_submitting_works_with_and_without_scripts(open_window, stack, scripts):
    page = open_window("itmalgrp02", java_script_enabled=scripts)
    page.goto("/submit/?way=knn")
    page.get_by_label("n_neighbors").fill("7")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#understood")).to_contain_text("KNeighborsClassifier(n_neighbors=7)")

    number = press_submit(page)

    run = stack.wait({"id": number})
    page.reload()
    expect(page.locator(".result .score")).to_have_text(f"{run['score']:.5f}")


def test_another_group_sees_the_result_but_neither_note_nor_history(open_window, stack):
    run = stack.wait(stack.submit(MODEL, user="itmalgrp01", note="for us alone"))
    stranger = open_window("itmalgrp02")
    stranger.goto("/?show=all")

    stranger.locator(f"#place-{run['id']}").get_by_role("link", name=f"{run['score']:.5f}").click()

    expect(stranger.locator("#errors")).to_contain_text("test images")
    expect(stranger.locator("main")).not_to_contain_text("for us alone")
    expect(stranger.locator("main")).not_to_contain_text("History")
    queued = stack.submit(MODEL, user="itmalgrp01")
    assert stranger.request.get(f"/submissions/{queued['id']}/live/").status == 404


def test_a_student_changes_the_password_and_logs_in_with_it(open_window, stack):
    user, first = "itmalgrp05", stack.logins["itmalgrp05"][0]
    page = open_window(user)

    for old, new in ((first, "a-new one 4 me"), ("a-new one 4 me", first)):
        page.get_by_role("link", name=user, exact=True).click()
        page.get_by_label("Old password").fill(old)
        page.get_by_label("New password", exact=True).fill(new)
        page.get_by_label("New password confirmation").fill(new)
        page.get_by_role("button", name="Change password").click()
        expect(page.locator("#messages")).to_contain_text("Your password has been changed.")
        page.get_by_role("button", name="Log out").click()
        log_in(page, user, new)
