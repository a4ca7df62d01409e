"""`make screenshots`: pictures of every page in docs/pages/, as wide as a desktop and a phone, light and dark.

Starts a temporary service on the digits and fills it by `tests.showcase`.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests import programs, showcase
from tests.browser.conftest import QUIET, log_in
from tests.every_page import EVERY, SitePage
from tests.stack import Stack, running

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pages"
SIZES = {1280: 800, 390: 844}
MOST_SCREENS = 3  # a longer page is cut there
UNCUT = ("charts", "submit")  # pages that are not cut, since their lower part is different
WALL: ViewportSize = {"width": 1920, "height": 1080}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
TIMEOUT_MS = 60_000
DRAW_MS = 2500  # scripts have fetched pictures and tables by then, also on a busy machine
# Dark versions of all pages would double the pictures; these have every colour and every kind of element.
ALSO_DARK = {"board-own", "charts", "wall", "submit-cnn", "submission-cnn", "compare", "desk"}
COLOURS = 128
# No address leads there. For 403 the form's cookie is deleted; for 500 the rendered page is sent instead.
ERROR_PAGES = [SitePage("403", "/login/", "main", status=403), SitePage("500", "/broken/", "main", status=500)]
INTRODUCTION = [
    "Taken by `make screenshots`: every page on a desktop and a phone, some also dark. The command starts a temporary",
    "service on the 8×8 digits, so scores and times are not those of MNIST. It submits a week's worth of models. The",
    "service's own workers trained every model that has a score; afterwards the submission times were moved apart. The",
    "runs that failed, timed out or still run were staged. Long pages are cut below the third screen, except the",
    "charts and the submit pages.",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="pages to take; by default all")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    places = [place for place in [*EVERY, *ERROR_PAGES] if not asked.names or place.name in asked.names]
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder:
        home = Path(folder)
        with running(home / "home", home / "data") as stack, chromium() as browser:
            sys.stderr.write("Training the models of the showcase …\n")
            Camera(browser, stack, showcase.fill(stack.home), asked.folder).take_all(places)
    write_index(asked.folder)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=programs.chromium(), args=QUIET)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Camera:
    """Takes pictures of a running service; `numbers` fills the placeholders in paths."""

    browser: Browser
    stack: Stack
    numbers: dict[str, Any]
    folder: Path

    def take_all(self, places: list[SitePage]) -> None:
        for width in SIZES:
            for scheme in SCHEMES:
                for user in dict.fromkeys(place.user for place in places):
                    chosen = [p for p in places if p.user == user and (scheme == "light" or p.name in ALSO_DARK)]
                    self.take(chosen, user, width, scheme)

    def take(self, places: list[SitePage], user: str, width: int, scheme: Scheme) -> None:
        """Take pictures of these pages, in one window for this user."""
        window = self.browser.new_context(base_url=self.stack.url, color_scheme=scheme)
        window.set_default_timeout(TIMEOUT_MS)
        page = window.new_page()
        if user and places:
            log_in(page, user, self.stack.logins[user][0])
        for place in places:
            page.set_viewport_size(size_of(place, width))
            if place in ERROR_PAGES:
                self.open_error_page(page, place)
            else:
                page.goto(place.path.format(**self.numbers))
            (self.folder / file_of(place, width, scheme)).write_bytes(compressed(screenshot(page, place, width)))
        window.close()

    def open_error_page(self, page: Page, place: SitePage) -> None:
        if place.status == 403:
            page.goto(place.path)
            page.context.clear_cookies()
            page.get_by_label("Username").fill("somebody")
            page.get_by_label("Password").fill("something")
            page.get_by_role("button", name="Log in").click()
            page.wait_for_load_state()
        else:
            page.route(
                f"**{place.path}",
                lambda route: route.fulfill(status=500, content_type="text/html", body=rendered_error_page()),
            )
            page.goto(place.path)


def rendered_error_page() -> str:
    """The HTML of the 500 page, rendered without the service."""
    code = "from django.template.loader import render_to_string as r; import sys; sys.stdout.write(r('500.html'))"
    program = f"import django; django.setup(); {code}"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=FOLDER.parent.parent,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout


def file_of(place: SitePage, width: int, scheme: Scheme) -> str:
    return f"{place.name}-{width}{'-dark' if scheme == 'dark' else ''}.png"


def size_of(place: SitePage, width: int) -> ViewportSize:
    """The size of the window; the wall has a projector's size, except on a phone."""
    large = place.name.startswith("wall") and width > 1000
    return WALL if large else {"width": width, "height": SIZES[width]}


def screenshot(page: Page, place: SitePage, width: int) -> bytes:
    """The whole page after its scripts have drawn it, cut below MOST_SCREENS unless it is in UNCUT."""
    page.wait_for_timeout(DRAW_MS if place.name in ("wall-chart", "api") else 400)
    if not place.name.startswith("wall"):
        high = page.evaluate("document.documentElement.scrollHeight")
        if place.name.partition("-")[0] not in UNCUT:
            high = min(high, MOST_SCREENS * SIZES[width])
        page.set_viewport_size({"width": width, "height": max(high, SIZES[width])})
        page.wait_for_timeout(300)
    expect(page.locator(".plot canvas")).to_have_count(page.locator(".plot").count(), timeout=TIMEOUT_MS)
    return page.screenshot()


def compressed(png: bytes) -> bytes:
    """The picture with a palette. Pages have few colours, and the repository keeps every version of a file."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def write_index(folder: Path) -> None:
    """Write the page that shows all pictures, in the site's order."""
    lines = ["# The pages", "", *INTRODUCTION, ""]
    for place in [*EVERY, *ERROR_PAGES]:
        taken = [file_of(place, width, scheme) for width in SIZES for scheme in SCHEMES]
        shown = [image_of(name) for name in taken if (folder / name).exists()]
        if shown:
            lines += [f"## {place.name}", "", f"`{place.path}`", "", *shown, ""]
    (folder / "README.md").write_text("\n".join(lines))


def image_of(name: str) -> str:
    width = 150 if "-390" in name else 380
    return f'<img src="{name}" alt="{name.removesuffix(".png")}" width="{width}">'


if __name__ == "__main__":
    main()
