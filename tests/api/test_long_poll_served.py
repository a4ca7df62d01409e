"""Waiting for a submission at the server that `make run` starts."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stack import until

pytestmark = [pytest.mark.stack, pytest.mark.trains]


def test_a_run_is_followed_without_polling_and_others_are_served_meanwhile(stack):
    forest = stack.submit({"family": "forest", "n_estimators": 1000, "max_features": None}, user="itmalgrp04")
    path = f"/api/v1/submissions/{forest['id']}/"
    stack.wait(forest, "running", seconds=60)

    with ThreadPoolExecutor(16) as threads:
        followers = [threads.submit(stack.ask, "GET", f"{path}?wait=25", user="itmalgrp04") for _ in range(16)]
        # A quarter of two processes' eight threads each may wait: the others are answered at once.
        until(lambda: sum(follower.done() for follower in followers) >= 12, seconds=20, what="the other requests")
        began = time.monotonic()
        board = stack.ask("GET", "/api/v1/leaderboard/")
        seconds = time.monotonic() - began
        stack.ask("POST", f"{path}cancel/", user="itmalgrp04")
        answers = [follower.result(timeout=60) for follower in followers]

    assert (board.status, seconds < 3) == (200, True)
    assert {answer.status for answer in answers} == {200}
    turned_away = [answer for answer in answers if answer.headers.get("Retry-After") == "1"]
    assert 16 - len(turned_away) <= 4
    stack.wait(forest, seconds=15)
