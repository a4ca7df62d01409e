"""Joining a group by an invitation, and a disqualification, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.trains, pytest.mark.stack, pytest.mark.long]

PASSWORD = "notes on the engine"
KNN = "KNeighborsClassifier(n_neighbors=6)"


def test_a_student_without_an_account_joins_by_a_members_link(open_window, stack):
    member = open_window("itmalgrp01")
    member.goto("/groups/ITMALGrp01/")
    member.get_by_role("button", name="Invite someone").click()
    link = member.locator("pre.secret").inner_text()

    newcomer = open_window(width=390)
    newcomer.goto(link)
    newcomer.get_by_label("Your name").fill("Grace Hopper")
    newcomer.get_by_label("Username").fill("grace")
    newcomer.get_by_label("Password", exact=True).fill(PASSWORD)
    newcomer.get_by_label("Password confirmation").fill(PASSWORD)
    newcomer.get_by_role("button", name="Create account and join").click()

    expect(newcomer.get_by_text("Welcome to ITMALGrp01.")).to_be_visible()
    expect(newcomer.get_by_text("Grace Hopper", exact=False).first).to_be_visible()
    assert newcomer.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no sideways scroll on a phone"
    member.reload()
    expect(member.locator(".invitations")).to_contain_text("Grace Hopper")


def test_a_disqualified_submission_leaves_the_board_and_its_group_sees_the_reason(open_window, stack):
    run = stack.wait(stack.submit(KNN, user="itmalgrp02"))
    desk = open_window("instructor")
    desk.goto(f"/submissions/{run['id']}/")

    desk.get_by_role("link", name="Disqualify…").click()
    desk.get_by_label("Reason").fill("copied from the feed")
    desk.get_by_role("button", name="Disqualify").click()

    group = open_window("itmalgrp02")
    group.goto(f"/submissions/{run['id']}/")
    expect(group.locator(".message.error")).to_contain_text("copied from the feed")
    board = open_window()
    board.goto("/?show=all")
    expect(board.locator("#board")).to_be_visible()
    expect(board.locator(f"#place-{run['id']}")).to_have_count(0)

    desk.get_by_role("link", name="Reinstate…").click()
    desk.get_by_label("Reason").fill("it was their own")
    desk.get_by_role("button", name="Reinstate").click()
    expect(board.locator(f"#place-{run['id']}")).to_have_count(1)
