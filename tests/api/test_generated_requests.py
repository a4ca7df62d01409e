"""Requests that Schemathesis generates from the API's schema, for every operation and along its links."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from submissions.api import long_poll
from submissions.models import Quest
from tests.cast import FOREST

pytestmark = pytest.mark.django_db(transaction=True)
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
RULES = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture
def site(live_server, client, owner_token, submit, score, monkeypatch) -> list[str]:
    """A site with a score and a queued submission: its schema's URL and a token, as arguments of Schemathesis."""
    wait = long_poll.wait_for_change
    monkeypatch.setattr(long_poll, "wait_for_change", lambda read, before, seconds: wait(read, before, seconds=0.01))
    score(submit(), 330)
    submit(FOREST)
    Quest.objects.update(daily_quota=None)
    client.get("/api/schema/")  # the first request takes longest, and Schemathesis waits for ten seconds at most
    return [f"{live_server.url}/api/schema/?format=json", "-H", f"Authorization: Token {owner_token}"]


def summary(site: list[str], folder: Path, *options: str) -> str:
    """The report of Schemathesis; fails with its output if it found an error."""
    command = [str(SCHEMATHESIS), "--config-file", str(RULES), "run", *site, *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env={**os.environ, "COLUMNS": "120"})
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    return done.stdout


def count(pattern: str, report: str) -> int:
    found = re.search(pattern, report)
    assert found, report
    return int(found[1].replace(",", ""))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_five_thousand_generated_requests_find_no_error(site, tmp_path):
    report = summary(site, tmp_path, "--max-examples", "100")

    assert count(r"([\d,]+) generated", report) >= 5000
    assert count(r"Tested: (\d+)", report) == 14
    assert count(r"API Links:\s+(\d+) covered", report) >= 3
