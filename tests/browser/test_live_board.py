"""The board while scores arrive, and the wall display, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.test_student import assert_not_reloaded, mark

pytestmark = [pytest.mark.browser, pytest.mark.trains, pytest.mark.stack, pytest.mark.long]

LIVE_MS = 5_000


@pytest.fixture
def scored(stack) -> int:
    for neighbors in (1, 2):
        stack.wait(stack.submit(f"KNeighborsClassifier(n_neighbors={neighbors})"))
    return stack.wait(stack.submit("KNeighborsClassifier(n_neighbors=3)"))["id"]


def test_a_new_score_changes_neither_scroll_position_nor_focus(stack, scored, open_window):
    board = open_window()
    board.set_viewport_size({"width": 1280, "height": 320})
    board.goto("/?show=all")
    mark(board)
    board.locator(f"#group-{scored}").focus()
    board.evaluate("window.shift = 0")
    board.evaluate(
        "new PerformanceObserver(l => l.getEntries().forEach(e => shift += e.value)).observe({type: 'layout-shift'})"
    )
    board.evaluate("scrollTo(0, 200)")

    new = stack.wait(stack.submit("KNeighborsClassifier(n_neighbors=40)", user="itmalgrp02"))["id"]
    board.locator(f"#place-{new}").wait_for(timeout=LIVE_MS)

    assert board.evaluate("scrollY") == 200
    assert board.evaluate("document.activeElement.id") == f"group-{scored}"
    assert board.evaluate("shift") < 0.1
    assert_not_reloaded(board)


@pytest.mark.parametrize(("path", "live"), [("/?show=all", "#board"), ("/groups/ITMALGrp01/", "#group-submissions")])
def test_a_table_keeps_its_sideways_scroll_position_when_a_score_arrives(stack, scored, open_window, path, live):
    page = open_window("itmalgrp01", width=900)
    page.goto(path)
    mark(page)
    table = page.locator(f"{live} .table-scroll")
    table.evaluate("box => { box.scrollLeft = 60 }")
    before = table.locator("tbody tr").count()

    stack.wait(stack.submit("KNeighborsClassifier(n_neighbors=5, weights='distance', leaf_size=40, p=1)"))
    expect(table.locator("tbody tr")).to_have_count(before + 1)

    assert table.evaluate("box => box.scrollLeft") == 60
    assert_not_reloaded(page)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720)])
def test_the_wall_shows_few_models_uncut_and_a_sentence_for_each_chart(scored, open_window, width, height):
    wall = open_window()
    wall.set_viewport_size({"width": width, "height": height})
    wall.goto("/?wall")

    for cell in wall.locator(".wall-board :is(.model, th .cut)").all():
        assert cell.evaluate("e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight + 1")
    expect(wall.locator(".wall-head .badge-open")).to_be_visible()  # the quest has no closing date to show instead

    wall.goto("/?wall=cost")
    expect(wall.locator("[data-pane=cost] .reading")).to_contain_text("Pareto front")


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720)])
def test_the_wall_fits_the_screen_and_is_readable_from_afar(scored, open_window, width, height):
    wall = open_window()
    wall.set_viewport_size({"width": width, "height": height})
    wall.goto("/?wall")

    smallest = wall.evaluate(
        "Math.min(...[...document.querySelectorAll('#wall *')].filter(e => e.checkVisibility() && e.innerText?.trim()"
        " && !e.closest('.visually-hidden')).map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert smallest >= 33 * width / 1920
    assert wall.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert wall.evaluate(
        "[...document.querySelectorAll('.wall-board tr')].every(e => e.getBoundingClientRect().bottom <= innerHeight)"
    )
    assert wall.locator("[data-pane=board]").is_visible()
    assert not wall.locator("[data-pane=feed]").is_visible()


def test_the_wall_switches_panes_by_itself_and_keeps_its_pane_when_a_score_arrives(stack, scored, open_window):
    wall = open_window()
    wall.clock.install()
    wall.goto("/?wall")
    mark(wall)

    wall.clock.run_for(20_500)
    assert wall.locator("[data-pane=feed]").is_visible()

    new = stack.wait(stack.submit("KNeighborsClassifier(n_neighbors=50)", user="itmalgrp02"))
    for _ in range(20):
        wall.clock.run_for(1_000)
        if wall.get_by_text("n_neighbors=50").count():
            break
        wall.wait_for_timeout(250)

    assert wall.locator("[data-pane=feed]").get_by_text("n_neighbors=50").is_visible(), new
    assert_not_reloaded(wall)


def test_without_scripts_the_wall_switches_panes_by_a_page_refresh(scored, open_window):
    wall = open_window(java_script_enabled=False)
    wall.goto("/?wall")

    refresh = wall.locator("meta[http-equiv=refresh]").get_attribute("content")

    assert refresh.startswith("20; url=/?wall=feed")
    assert wall.locator("[data-pane=board]").is_visible()
