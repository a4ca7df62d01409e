"""Every page, for whoever may see it: it is there, fits a phone as well as a desk, stands still while it loads, is
readable by whoever sees or hears it, works without scripts, and no console complains.
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
SLOW = {"family": "forest", "n_estimators": 1000, "max_features": None}
GRAVE = ("serious", "critical")
# What depends on width and colours is asked again on a dark phone; the rest is the same there.
OF_WIDTH_AND_COLOUR = ["color-contrast", "scrollable-region-focusable", "target-size"]
SHIFT = """window.shift = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => { shift += entry.value }))
    .observe({type: "layout-shift", buffered: true});"""
MOST_SHIFT = 0.05
IGNORED = ("the server responded with a status of 404",)
GOING = [place for place in EVERY if "{running}" in place.path or "{queued}" in place.path]
VISITORS = {
    user: [place for place in places if place not in GOING]
    for user, places in {ANONYMOUS: [*PUBLIC, *WALL], MEMBER: MEMBERS, INSTRUCTOR: INSTRUCTORS}.items()
}


@pytest.fixture(scope="module")
def numbers(stack) -> dict[str, int]:
    """Submissions in every state; those that run and wait do so for as long as these tests take."""
    trained = {"knn": "KNeighborsClassifier()", "forest": "RandomForestClassifier(n_estimators=5)", "net": NET}
    runs = {name: stack.submit(model) for name, model in trained.items()}
    numbers = {name: stack.wait(run, seconds=180)["id"] for name, run in runs.items()}
    numbers |= showcase.fill(stack.home, "endings")
    return numbers


@pytest.fixture
def going(stack, numbers) -> Iterator[dict[str, int]]:
    """One that runs, one beside it, and one that waits for both: a group's limit is two."""
    started = [stack.submit(SLOW)["id"] for _ in range(3)]
    stack.wait({"id": started[0]}, "running")
    yield {**numbers, "running": started[0], "queued": started[2]}
    for number in reversed(started):
        stack.ask("POST", f"/api/v1/submissions/{number}/cancel/")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("user", VISITORS, ids=lambda user: user or "anonymous")
def test_every_page_is_there_fits_stands_still_and_is_accessible(open_window, numbers, user, width, scheme):
    page = open_window(user, width=width, color_scheme=scheme, ignored=IGNORED)
    page.add_init_script(SHIFT)

    faults = [fault for place in VISITORS[user] for fault in look_at(page, place, numbers, whole=scheme == "light")]

    assert faults == []


def test_so_are_the_pages_of_what_runs_and_what_waits(open_window, going):
    windows = {place.user: open_window(place.user, width=390) for place in GOING}
    for page in windows.values():
        page.add_init_script(SHIFT)

    faults = [fault for place in GOING for fault in look_at(windows[place.user], place, going, whole=True)]

    assert faults == []


def look_at(page: Page, place: SitePage, numbers: dict[str, int], *, whole: bool) -> list[str]:
    answer = page.goto(place.path.format(**numbers))
    if answer is None or answer.status != place.status:
        return [f"{place.name} answers {answer and answer.status}"]
    faults = [f"{place.name}: {fault}" for fault in barriers(page, whole=whole)]
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if over > 0:
        faults.append(f"{place.name} is {over} pixels wider than the window")
    shift = page.evaluate("window.shift")
    if shift > MOST_SHIFT:
        faults.append(f"{place.name} shifts by {shift:.3f} while it loads")
    return faults


def barriers(page: Page, *, whole: bool) -> list[str]:
    """What axe-core calls serious or critical."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if not whole:
        options["runOnly"] = {"type": "rule", "values": OF_WIDTH_AND_COLOUR}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{rule['id']} ({rule['help']}): {rule['nodes'][0]['target']}" for rule in found if rule["impact"] in GRAVE]


@pytest.mark.parametrize("user", VISITORS, ids=lambda user: user or "anonymous")
def test_no_page_needs_scripts_to_be_read(open_window, numbers, user):
    """Each has its heading, and what a visitor comes for, without them."""
    page = open_window(user, java_script_enabled=False, ignored=IGNORED)

    bare = [place.name for place in VISITORS[user] if not stands_alone(page, place, numbers)]

    assert bare == []


def stands_alone(page: Page, place: SitePage, numbers: dict[str, int]) -> bool:
    answer = page.goto(place.path.format(**numbers), wait_until="domcontentloaded")
    there = answer is not None and answer.status == place.status
    return there and page.locator("h1").count() > 0 and page.locator("main").locator(place.shows).count() > 0


def test_a_visitor_with_a_keyboard_alone_skips_to_the_content_and_sees_where_the_focus_is(open_window):
    page = open_window(MEMBER)
    page.goto("/submissions/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    unseen = [where for where in steps(page, 25) if where["outline"] == "none"]

    assert page.url.endswith("#main")
    assert unseen == []


def steps(page: Page, count: int) -> list[dict[str, str]]:
    """Where the focus is after each press of the tab key, and how that is drawn."""
    seen = []
    for _ in range(count):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "() => { const e = document.activeElement; return {what: e.outerHTML.slice(0, 80),"
                " outline: e === document.body ? 'page' : getComputedStyle(e).outlineStyle} }"
            )
        )
    return seen


def test_a_form_whose_cookie_is_gone_is_refused_with_a_way_on(open_window):
    page = open_window(ignored=("the server responded with a status of 403",))
    page.goto("/login/")
    page.context.clear_cookies()
    page.get_by_label("Username").fill("itmalgrp01")
    page.get_by_label("Password").fill("x")

    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("You do not have permission to see or do this.")
    assert barriers(page, whole=True) == []
    page.get_by_role("link", name="Go to the board").click()
    expect(page.locator("#board")).to_be_visible()


def test_every_page_has_a_name_of_its_own():
    names = [place.name for place in EVERY]

    assert len(names) == len(set(names))
