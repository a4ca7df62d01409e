"""A quest from draft to reveal, with an instructor and two groups, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_instructor import make_quest

pytestmark = [pytest.mark.browser, pytest.mark.trains, pytest.mark.stack, pytest.mark.long]

STRONG, WEAK = "KNeighborsClassifier(n_neighbors=3)", "KNeighborsClassifier(n_neighbors=200)"
COURSE = "Machine learning demo"
NAME = "Revealed quest"
BADGE = "h1 .badge"


def test_a_quest_is_opened_frozen_closed_revealed_and_downloaded_as_an_archive(open_window, stack, tmp_path):
    desk = open_window("instructor")
    make_quest(desk, NAME, COURSE)
    desk.get_by_label("Private share").fill("0.5")
    desk.get_by_role("button", name="Save").click()
    desk.get_by_role("button", name="Open", exact=True).click()
    expect(desk.locator(BADGE)).to_have_text("open")
    number = int(re.findall(r"\d+", desk.url)[-1])

    strong, weak, other = (submit(stack, number, *row) for row in (
        (STRONG, "itmalgrp01"), (WEAK, "itmalgrp01"), ("KNeighborsClassifier(n_neighbors=60)", "itmalgrp02"),
    ))  # fmt: skip
    board = open_window()
    board.goto(f"/?quest={number}")
    expect(board.locator("#board tbody tr")).to_have_count(2)
    expect(board.locator(f"#place-{strong} .rank")).to_contain_text("1")

    member = open_window("itmalgrp01")
    member.goto(f"/submissions/{weak}/")
    member.get_by_role("button", name="Mark as final").click()
    expect(member.locator(".badge-final")).to_be_visible()

    desk.get_by_role("button", name="Freeze").click()
    expect(desk.locator("main")).to_contain_text("Frozen since")
    late = submit(stack, number, "KNeighborsClassifier(n_neighbors=1)", "itmalgrp02")
    board.reload()
    expect(board.locator(f"#place-{other}")).to_be_visible()
    expect(board.locator(f"#place-{late}")).to_have_count(0)

    reveal(desk, number)
    board.goto(f"/?quest={number}")
    expect(board.locator("#board")).to_contain_text("Final score")
    expect(board.locator(f"#place-{weak}")).to_contain_text("ITMALGrp01")  # by its final, not its best
    expect(board.locator(f"#place-{late} .rank")).to_contain_text("1")

    archive = download_archive(desk, number, tmp_path)
    check_archive(open_window(), archive, late)


def submit(stack, quest: int, model: str, user: str) -> int:
    return stack.wait(stack.submit(model, user=user, quest=quest))["id"]


def reveal(desk: Page, number: int) -> None:
    desk.goto(f"/desk/quests/{number}/")
    desk.get_by_role("button", name="Close", exact=True).click()
    expect(desk.locator(BADGE)).to_have_text("closed")
    desk.get_by_text("Reveal…").click()
    desk.get_by_role("button", name="Reveal for good").click()
    expect(desk.locator(BADGE)).to_have_text("revealed")


def download_archive(desk: Page, number: int, folder: Path) -> Path:
    """Download the archive from the desk; returns the unpacked folder."""
    desk.goto(f"/desk/quests/{number}/downloads/")
    with desk.expect_download() as download:
        desk.get_by_role("link", name="ZIP").click()
    with ZipFile(download.value.path()) as archive:
        archive.extractall(folder)
    return next(folder.iterdir())


def check_archive(page: Page, archive: Path, best: int) -> None:
    """The archive has the board, charts with pictures, and a page for each score."""
    page.goto((archive / "index.html").as_uri())
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Charts").click()
    pictures = page.locator(".plot img")
    assert pictures.count() >= 3
    assert all(picture.evaluate("image => image.decode().then(() => image.naturalWidth)") for picture in pictures.all())
    page.get_by_role("link", name="Feed").click()
    page.get_by_role("link", name=f"Submission {best}").click()
    expect(page.locator("h1")).to_have_text("KNeighborsClassifier(n_neighbors=1)")
