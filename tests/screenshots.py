"""Pictures of the pages for the README: `python -m tests.screenshots URL USER PASSWORD [SUBMISSION]`.

The service at URL runs already and has something to show. The pictures go to docs/pages/.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pages"
WIDTHS = (1280, 390)
HEIGHT = 900


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("submission", nargs="?", help="the number of one that this user may see; else none is taken")
    asked = parser.parse_args()
    pages = {"board": "/", "submit": "/submit/?way=cnn&preset=LeNet-5-like"}
    if asked.submission:
        pages["submission"] = f"/submissions/{asked.submission}/"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for width in WIDTHS:
            take(browser, asked.url, (asked.user, asked.password), pages, width)
        browser.close()


def take(browser: Browser, url: str, login: tuple[str, str], pages: dict[str, str], width: int) -> None:
    """Each page at this width; as high as it is, on a phone up to three screens."""
    window = browser.new_context(base_url=url, viewport={"width": width, "height": HEIGHT}, color_scheme="light")
    page = window.new_page()
    page.goto("/login/")
    page.get_by_label("Username").fill(login[0])
    page.get_by_label("Password").fill(login[1])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    for name, path in pages.items():
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.goto(path)
        high = min(page.evaluate("document.documentElement.scrollHeight"), 3 * HEIGHT)
        page.set_viewport_size({"width": width, "height": high})
        page.screenshot(path=FOLDER / f"{name}-{width}.png")
    window.close()


if __name__ == "__main__":
    main()
