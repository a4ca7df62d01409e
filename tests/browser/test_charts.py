"""The charts in a real browser, drawn under the strict content security policy, and as pictures without scripts."""

from __future__ import annotations

import re
from itertools import cycle

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.stack import until

pytestmark = [pytest.mark.browser, pytest.mark.trains, pytest.mark.stack, pytest.mark.long]

NET = "Sequential([Flatten(), Dense(10, activation='softmax')])"
PICTURE_WIDTH = "image => image.decode().then(() => image.naturalWidth)"


@pytest.fixture(scope="module")
def scores(stack) -> None:
    for model in ("KNeighborsClassifier()", "RandomForestClassifier(n_estimators=5)", NET):
        stack.wait(stack.submit(model, user="itmalgrp04"), seconds=180)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_chart_is_drawn_and_redrawn_when_a_choice_changes(open_window, scores, width, scheme):
    page = open_window("itmalgrp04", width=width, color_scheme=scheme)

    page.goto("/charts/")

    expect(page.locator(".plot canvas")).to_have_count(5)
    expect(page.locator("#reading-progress")).to_contain_text(re.compile("leads with|led from the start"))
    page.locator("select[name=cost]").select_option("train")
    page.wait_for_url("**cost=train**")
    expect(page.locator(".plot canvas")).to_have_count(5)
    page.locator("#numbers-cost summary").click()
    expect(page.locator("#numbers-cost")).to_contain_text("ITMALGrp04")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_chart_says_that_it_is_being_drawn_and_that_it_could_not_be_drawn(open_window, scores):
    page = open_window(ignored=("the server responded with a status of 500",))
    held: list[Route] = []
    failing: list[bool] = []
    page.route(
        re.compile("/charts/cost[.]"), lambda route: route.fulfill(status=500) if failing else held.append(route)
    )

    page.goto("/charts/")
    expect(page.locator("#plot-cost")).to_have_text("Drawing the chart …")
    until(lambda: page.wait_for_timeout(100) or held, seconds=60, what="the request for the chart")
    failing.append(True)
    held[0].fulfill(status=500)

    expect(page.locator("#plot-cost")).to_have_text("The chart could not be drawn. The numbers are below.")
    expect(page.locator("#plot-progress canvas")).to_have_count(1)


def test_pointing_at_a_bar_shows_its_numbers(open_window, scores):
    page = open_window()
    page.goto("/charts/?unit=shares")
    plot = page.locator("#plot-breakdown canvas")
    plot.scroll_into_view_if_needed()

    # Down the middle, where there are bars for any number of families; repeatedly, since the chart may be redrawn.
    heights = cycle(share / 20 for share in range(1, 17))
    until(lambda: tooltip_at(page, plot, next(heights)), seconds=30, what="a bar's tooltip")

    expect(page.locator("#vg-tooltip-element.visible")).to_contain_text("Family")


def tooltip_at(page: Page, plot: Locator, share: float) -> bool:
    if box := plot.bounding_box():
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + share * box["height"], steps=2)
        page.wait_for_timeout(100)
    return page.locator("#vg-tooltip-element.visible").is_visible()


def test_without_scripts_a_chart_is_a_picture(open_window, stack, scores):
    page = open_window(java_script_enabled=False)

    page.goto("/charts/")

    picture = page.locator("#plot-spread img")
    expect(picture).to_be_visible()
    assert picture.evaluate(PICTURE_WIDTH) > 100
