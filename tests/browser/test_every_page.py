"""Every page, for whoever may see it: it is there, fits a phone as well as a desk, and no console complains."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

PUBLIC = ["/", "/?show=all", "/feed/", "/charts/", "/status/", "/login/", "/groups/ITMALGrp01/"]
MEMBERS = [
    "/", "/submit/", "/submit/?way=knn", "/submit/?way=forest", "/submit/?way=cnn", "/submit/?way=cnn&width=32",
    "/submissions/", "/submissions/{knn}/", "/submissions/{net}/",
    "/submissions/{knn}/compare/", "/submissions/{knn}/compare/{net}/", "/groups/ITMALGrp01/", "/password/",
]  # fmt: skip
INSTRUCTORS = [
    "/desk/", "/desk/ranking/", "/desk/quests/", "/desk/quests/1/", "/desk/quests/1/extensions/", "/desk/quests/new/",
    "/desk/courses/", "/desk/groups/", "/desk/courses/1/groups/", "/desk/courses/1/slips/",
    "/desk/submissions/{knn}/rerun/", "/submissions/{knn}/", "/submissions/{net}/", "/submissions/", "/submit/",
]  # fmt: skip
NET = "Sequential([Conv2D(4, 3, activation='relu'), Flatten(), Dense(10, activation='softmax')])"


@pytest.fixture(scope="module")
def runs(stack) -> dict[str, int]:
    submitted = {"knn": stack.submit("KNeighborsClassifier()"), "net": stack.submit(NET)}
    return {name: stack.wait(run, seconds=180)["id"] for name, run in submitted.items()}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    ("user", "pages"), [("", PUBLIC), ("itmalgrp01", MEMBERS), ("instructor", INSTRUCTORS)],
    ids=["anonymous", "member", "instructor"],
)  # fmt: skip
def test_every_page_is_there_and_fits(open_window, runs, user, pages, width):
    page = open_window(user, width=width)

    faults = [fault for path in pages for fault in look_at(page, path.format(**runs))]

    assert faults == []


def look_at(page: Page, path: str) -> list[str]:
    answer = page.goto(path)
    if answer is None or answer.status != 200:
        return [f"{path} answers {answer and answer.status}"]
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [f"{path} is {over} pixels wider than the window"] if over > 0 else []


def test_the_description_of_the_api_opens_under_the_strict_policy(open_window):
    page = open_window()

    page.goto("/api/docs/")

    page.get_by_text("/api/v1/submissions/", exact=True).first.wait_for()
