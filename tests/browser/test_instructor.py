"""An instructor's work, in a real browser."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.trains, pytest.mark.stack]

KNN = "KNeighborsClassifier(n_neighbors=4)"
SLOW = {"family": "forest", "n_estimators": 1000, "max_features": None}
SECONDS = re.compile(r"\d m?s")
TRAINED_MS = 120_000
CLASS_LIST = (
    "group;username;name;student number\nITMALGrp31;ada31;Ada Lovelace;20260031\nITMALGrp31;alan31;Alan Turing;\n"
)


def test_the_desk_shows_every_submission_with_its_times_and_filters_them(open_window, stack):
    first, second = (stack.wait(stack.submit(KNN, user=user)) for user in ("itmalgrp01", "itmalgrp02"))
    page = open_window("instructor")
    page.get_by_role("link", name="Desk", exact=True).click()

    for run, group in ((first, "ITMALGrp01"), (second, "ITMALGrp02")):
        expect(page.locator(f"#desk-{run['id']}")).to_contain_text(group)
        expect(page.locator(f"#desk-{run['id']}")).to_contain_text(SECONDS)
    page.get_by_label("Group").fill("ITMALGrp02")
    page.get_by_label("Group").press("Enter")
    expect(page.locator(f"#desk-{first['id']}")).to_have_count(0)
    expect(page.locator(f"#desk-{second['id']}")).to_be_visible()
    page.get_by_label("State").select_option("failed")
    expect(page.locator(f"#desk-{second['id']}")).to_have_count(0)


def test_the_desk_cancels_a_running_submission(open_window, stack):
    run = stack.submit(SLOW, user="itmalgrp04")
    stack.wait(run, "running", seconds=120)
    page = open_window("instructor")
    page.goto("/desk/")

    page.locator(f"#act-{run['id']}").click()
    page.get_by_label("Reason").fill("far too slow")
    page.get_by_role("button", name="Cancel the submission").click()

    row = page.locator(f"#desk-{run['id']}")
    expect(row.locator(".badge")).to_have_text("cancelled", ignore_case=True)
    row.get_by_role("link", name=f"#{run['id']}").click()
    expect(page.locator(".history")).to_contain_text("far too slow")


def test_the_desk_runs_a_submission_again(open_window, stack):
    run = stack.wait(stack.submit(KNN, user="itmalgrp03"))
    page = open_window("instructor")
    page.goto("/desk/")

    page.locator(f"#act-{run['id']}").click()
    page.get_by_role("button", name="Re-run").click()

    again = page.get_by_role("row").filter(has_text=f"re-run of #{run['id']}")
    expect(again.locator(".badge")).to_have_text("scored", ignore_case=True, timeout=TRAINED_MS)


def test_the_desk_exports_the_ranking_as_csv(open_window, stack):
    run = stack.wait(stack.submit(KNN, user="itmalgrp05"))
    page = open_window("instructor")
    page.goto("/desk/")

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()

    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = [*csv.reader(file)]
    assert any("ITMALGrp05" in row and str(run["id"]) in row for row in rows[1:]), rows[:3]


def make_course(page: Page, name: str) -> None:
    page.goto("/desk/courses/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Term", exact=True).fill("autumn")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=f"Groups of {name}")).to_be_visible()


def make_quest(page: Page, name: str, course: str) -> None:
    page.goto("/desk/quests/")
    page.get_by_role("link", name="New quest").click()
    page.get_by_label("Course").select_option(label=course)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Data set").select_option("digits")
    page.get_by_role("button", name="Create draft").click()
    expect(page.locator("h1 .badge")).to_have_text("draft", ignore_case=True)


def test_an_instructor_sets_up_a_course_and_a_new_student_logs_in_with_a_slip(open_window):
    page = open_window("instructor")
    make_course(page, "Browsing")
    page.get_by_label("Class list").set_input_files(
        {"name": "class.csv", "mimeType": "text/csv", "buffer": CLASS_LIST.encode()}
    )
    page.get_by_role("button", name="Import").click()
    expect(page.locator(".outcome")).to_contain_text("2 new users")

    page.get_by_role("link", name="Print login slips").click()
    slip = page.locator(".slip").filter(has_text="ada31")
    student = open_window()
    student.goto(slip.locator("a.link").get_attribute("href"))
    student.get_by_label("New password", exact=True).fill("notes on the engine")
    student.get_by_label("New password confirmation").fill("notes on the engine")
    student.get_by_role("button", name="Set password and log in").click()
    expect(student.locator("header.site")).to_contain_text("ITMALGrp31")

    make_quest(page, "Browsed quest", "Browsing autumn")
    page.get_by_role("button", name="Open").click()
    expect(page.locator("h1 .badge")).to_have_text("open", ignore_case=True)
    student.goto("/submit/")
    expect(student.locator("main")).to_contain_text("You are submitting for ITMALGrp31")
    # With two open quests, the submissions of other tests would have to name one.
    page.get_by_role("button", name="Close").click()
    expect(page.locator("h1 .badge")).to_have_text("closed", ignore_case=True)
