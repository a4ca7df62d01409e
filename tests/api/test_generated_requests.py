"""Requests that schemathesis makes up from the description, at every operation and along its links."""

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
    """A site with something on its board and in its queue; where it is and who asks, as schemathesis takes it."""
    wait = long_poll.wait_for_change
    monkeypatch.setattr(long_poll, "wait_for_change", lambda read, before, seconds: wait(read, before, seconds=0.01))
    score(submit(), 330)
    submit(FOREST)
    Quest.objects.update(daily_quota=None)
    client.get("/api/schema/")  # the first takes longest, and schemathesis waits for ten seconds at most
    return [f"{live_server.url}/api/schema/?format=json", "-H", f"Authorization: Token {owner_token}"]


def summary(site: list[str], folder: Path, *options: str) -> str:
    """What schemathesis says at the end; fails with all that it says if something was answered wrongly."""
    command = [str(SCHEMATHESIS), "--config-file", str(RULES), "run", *site, *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env={**os.environ, "COLUMNS": "120"})
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    return done.stdout


def count(pattern: str, said: str) -> int:
    found = re.search(pattern, said)
    assert found, said
    return int(found[1].replace(",", ""))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_five_thousand_made_up_requests_find_no_fault(site, tmp_path):
    said = summary(site, tmp_path, "--max-examples", "100")

    assert count(r"([\d,]+) generated", said) >= 5000
    assert count(r"Tested: (\d+)", said) == 14
    assert count(r"API Links:\s+(\d+) covered", said) >= 3
