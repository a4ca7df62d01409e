"""`make screenshots`: pictures of every page, at a desk's width and a phone's, light and dark, into docs/pages/.

Starts a service of its own on the digits, in a folder that is gone afterwards, and fills it by `tests.showcase`.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests import showcase
from tests.browser.conftest import QUIET, log_in
from tests.every_page import EVERY, Place
from tests.stack import Stack, running

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pages"
SIZES = {1280: 800, 390: 844}
SCREENS = 3  # a longer page is cut below the third screen
WALL: ViewportSize = {"width": 1920, "height": 1080}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
PATIENCE_MS = 60_000
DRAWING_MS = 2500  # a picture or a table that scripts fetch is there after this time, also on a busy machine
# Dark everywhere would double the pictures: these show every colour and every kind of element.
ALSO_DARK = {"board-own", "charts", "wall", "submit-cnn", "submission-cnn", "compare", "desk"}
COLOURS = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of single pages; without any, all are taken")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    places = [place for place in EVERY if not asked.names or place.name in asked.names]
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
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Camera:
    """Takes pictures of a service that runs, and knows its submissions by name."""

    browser: Browser
    stack: Stack
    numbers: dict[str, int]
    folder: Path

    def take_all(self, places: list[Place]) -> None:
        for width in SIZES:
            for scheme in SCHEMES:
                for user in dict.fromkeys(place.user for place in places):
                    chosen = [p for p in places if p.user == user and (scheme == "light" or p.name in ALSO_DARK)]
                    self.take(chosen, user, width, scheme)

    def take(self, places: list[Place], user: str, width: int, scheme: Scheme) -> None:
        """Pictures of these pages in one window of this visitor's."""
        window = self.browser.new_context(base_url=self.stack.url, color_scheme=scheme)
        window.set_default_timeout(PATIENCE_MS)
        page = window.new_page()
        if user and places:
            log_in(page, user, self.stack.logins[user][0])
        for place in places:
            page.set_viewport_size(size_of(place, width))
            page.goto(place.path.format(**self.numbers))
            (self.folder / file_of(place, width, scheme)).write_bytes(small(picture(page, place, width)))
        window.close()


def file_of(place: Place, width: int, scheme: Scheme) -> str:
    return f"{place.name}-{width}{'-dark' if scheme == 'dark' else ''}.png"


def size_of(place: Place, width: int) -> ViewportSize:
    """A wall is as large as a projector draws it, but on a phone."""
    large = place.name.startswith("wall") and width > 1000
    return WALL if large else {"width": width, "height": SIZES[width]}


def picture(page: Page, place: Place, width: int) -> bytes:
    """The page once it has drawn itself, as high as it is, up to some screens."""
    page.wait_for_timeout(DRAWING_MS if place.name in ("wall-chart", "api") else 400)
    if not place.name.startswith("wall"):
        high = min(page.evaluate("document.documentElement.scrollHeight"), SCREENS * SIZES[width])
        page.set_viewport_size({"width": width, "height": max(high, SIZES[width])})
        page.wait_for_timeout(300)
    expect(page.locator(".plot canvas")).to_have_count(page.locator(".plot").count(), timeout=PATIENCE_MS)
    return page.screenshot()


def small(png: bytes) -> bytes:
    """The same picture with a palette: pages have few colours, and a repository keeps every version."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def write_index(folder: Path) -> None:
    """A page that shows them all, in the order of the site."""
    lines = ["# The pages", "", "Taken by `make screenshots`: wide, on a phone, and some of them dark.", ""]
    for place in EVERY:
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
