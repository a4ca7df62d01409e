"""Every page, as each visitor who may see it.

A page answers, fits a desktop and a phone, does not shift while it loads, is accessible, and is readable without
scripts. Its console shows no error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests import showcase
from tests.every_page import ANONYMOUS, EVERY, INSTRUCTOR, INSTRUCTORS, MEMBER, MEMBERS, PUBLIC, WALL, SitePage

pytestmark = [pytest.mark.browser, pytest.mark.trains, pytest.mark.stack, pytest.mark.long]

NET = "Sequential([Conv2D(4, 3, activation='relu'), Flatten(), Dense(10, activation='softmax')])"
LONG_FOREST = {"family": "forest", "n_estimators": 1000, "max_features": None}
REPORTED_IMPACTS = ("serious", "critical")
# Rules that depend on width or colours; on a dark phone only these are checked again.
LAYOUT_RULES = ["color-contrast", "scrollable-region-focusable", "target-size"]
SHIFT = """window.shift = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => { shift += entry.value }))
    .observe({type: "layout-shift", buffered: true});"""
MOST_SHIFT = 0.05
IGNORED = ("the server responded with a status of 404",)
UNFINISHED = [place for place in EVERY if "{running}" in place.path or "{queued}" in place.path]
VISITORS = {
    user: [place for place in places if place not in UNFINISHED]
    for user, places in {ANONYMOUS: [*PUBLIC, *WALL], MEMBER: MEMBERS, INSTRUCTOR: INSTRUCTORS}.items()
}


@pytest.fixture(scope="module")
def numbers(stack) -> dict[str, int]:
    """Scored and failed submissions, by the placeholders in the pages' paths."""
    trained = {"knn": "KNeighborsClassifier()", "forest": "RandomForestClassifier(n_estimators=5)", "net": NET}
    runs = {name: stack.submit(model) for name, model in trained.items()}
    numbers = {name: stack.wait(run, seconds=180)["id"] for name, run in runs.items()}
    numbers |= showcase.fill(stack.home, "failures")
    return numbers


@pytest.fixture
def unfinished(stack, numbers) -> Iterator[dict[str, int]]:
    """Also a running and a queued submission: three long ones, of which a group may run two at a time."""
    started = [stack.submit(LONG_FOREST)["id"] for _ in range(3)]
    stack.wait({"id": started[0]}, "running")
    yield {**numbers, "running": started[0], "queued": started[2]}
    for number in reversed(started):
        stack.ask("POST", f"/api/v1/submissions/{number}/cancel/")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("user", VISITORS, ids=lambda user: user or "anonymous")
def test_every_page_answers_fits_does_not_shift_and_is_accessible(open_window, numbers, user, width, scheme):
    page = open_window(user, width=width, color_scheme=scheme, ignored=IGNORED)
    page.add_init_script(SHIFT)

    faults = [fault for place in VISITORS[user] for fault in faults_of(page, place, numbers, whole=scheme == "light")]

    assert faults == []


def test_pages_of_running_and_queued_submissions_fit_do_not_shift_and_are_accessible(open_window, unfinished):
    windows = {place.user: open_window(place.user, width=390) for place in UNFINISHED}
    for page in windows.values():
        page.add_init_script(SHIFT)

    faults = [fault for place in UNFINISHED for fault in faults_of(windows[place.user], place, unfinished, whole=True)]

    assert faults == []


def faults_of(page: Page, place: SitePage, numbers: dict[str, int], *, whole: bool) -> list[str]:
    answer = page.goto(place.path.format(**numbers))
    if answer is None or answer.status != place.status:
        return [f"{place.name} answers {answer and answer.status}"]
    faults = [f"{place.name}: {fault}" for fault in axe_violations(page, whole=whole)]
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if over > 0:
        faults.append(f"{place.name} is {over} pixels wider than the window")
    shift = page.evaluate("window.shift")
    if shift > MOST_SHIFT:
        faults.append(f"{place.name} shifts by {shift:.3f} while it loads")
    return faults


def axe_violations(page: Page, *, whole: bool) -> list[str]:
    """Accessibility violations that axe-core calls serious or critical."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if not whole:
        options["runOnly"] = {"type": "rule", "values": LAYOUT_RULES}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']} ({rule['help']}): {rule['nodes'][0]['target']}"
        for rule in found
        if rule["impact"] in REPORTED_IMPACTS
    ]


@pytest.mark.parametrize("user", VISITORS, ids=lambda user: user or "anonymous")
def test_no_page_needs_scripts_to_be_read(open_window, numbers, user):
    """Each page has its heading and its main content."""
    page = open_window(user, java_script_enabled=False, ignored=IGNORED)

    unreadable = [place.name for place in VISITORS[user] if not readable_without_scripts(page, place, numbers)]

    assert unreadable == []


def readable_without_scripts(page: Page, place: SitePage, numbers: dict[str, int]) -> bool:
    answer = page.goto(place.path.format(**numbers), wait_until="domcontentloaded")
    answered = answer is not None and answer.status == place.status
    return answered and page.locator("h1").count() > 0 and page.locator("main").locator(place.content).count() > 0


def test_a_keyboard_user_skips_to_the_content_and_always_sees_the_focus(open_window):
    page = open_window(MEMBER)
    page.goto("/submissions/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    without_outline = [where for where in focus_after_tabs(page, 25) if where["outline"] == "none"]

    assert page.url.endswith("#main")
    assert without_outline == []


def focus_after_tabs(page: Page, count: int) -> list[dict[str, str]]:
    """The focused element after each press of the tab key, and the style of its outline."""
    focused = []
    for _ in range(count):
        page.keyboard.press("Tab")
        focused.append(
            page.evaluate(
                "() => { const e = document.activeElement; return {what: e.outerHTML.slice(0, 80),"
                " outline: e === document.body ? 'page' : getComputedStyle(e).outlineStyle} }"
            )
        )
    return focused


def test_a_form_without_its_cookie_is_refused_with_a_link_to_the_board(open_window):
    page = open_window(ignored=("the server responded with a status of 403",))
    page.goto("/login/")
    page.context.clear_cookies()
    page.get_by_label("Username").fill("itmalgrp01")
    page.get_by_label("Password").fill("x")

    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("You do not have permission to see or do this.")
    assert axe_violations(page, whole=True) == []
    page.get_by_role("link", name="Go to the board").click()
    expect(page.locator("#board")).to_be_visible()


def test_no_two_pages_have_the_same_name():
    names = [place.name for place in EVERY]

    assert len(names) == len(set(names))
