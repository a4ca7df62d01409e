"""Chromium windows on the running service. A console error or warning in a window fails the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests import programs
from tests.stack import Stack

# Long, since other tests may keep the machine busy. A test that must be quick gives its own limit.
TIMEOUT_MS = 30_000
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

Opener = Callable[..., Page]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for the folder. pytest-playwright's browser would last for the whole session.

    While Playwright runs, this thread has an event loop, and Django's ORM refuses to work in all later tests.
    """
    path = programs.required("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        expect.set_options(timeout=TIMEOUT_MS)
        yield browser
        browser.close()


@pytest.fixture
def open_window(chromium: Browser, stack: Stack) -> Iterator[Opener]:
    """Opens a new window, logged in if `user` is given; fails the test on a console error or warning."""
    windows: list[BrowserContext] = []
    complaints: list[str] = []

    def collect(message: ConsoleMessage, ignored: tuple[str, ...]) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in ignored):
            complaints.append(f"{message.location.get('url', '')}: {message.text}")

    def open_window(user: str = "", *, width: int = 1280, ignored: tuple[str, ...] = (), **options: Any) -> Page:
        window = chromium.new_context(base_url=stack.url, viewport={"width": width, "height": 900}, **options)
        window.set_default_timeout(TIMEOUT_MS)
        windows.append(window)
        page = window.new_page()
        page.on("console", lambda message: collect(message, ignored))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if user:
            log_in(page, user, stack.logins[user][0])
        return page

    yield open_window
    for window in windows:
        window.close()
    assert complaints == []


def log_in(page: Page, user: str, password: str) -> None:
    page.goto("/login/")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
