"""A backup is restored under a running service, which continues with the restored data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import PROJECT, SERVICE_VARIABLES, Stack, running, until

pytestmark = [pytest.mark.fault, pytest.mark.trains, pytest.mark.timeout(300)]


def manage(stack: Stack, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES}
    env = {**clean, "QUEST_HOME": str(stack.home), "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=True).stdout


def test_a_running_service_continues_after_a_forced_restore(tmp_path: Path, digits_home: Path):
    with running(tmp_path / "home", digits_home) as stack:
        kept = stack.wait(stack.submit("KNeighborsClassifier(n_neighbors=3)"))
        manage(stack, "backup", str(tmp_path / "monday.tar.gz"))
        lost = stack.wait(stack.submit("KNeighborsClassifier(n_neighbors=7)"))

        manage(stack, "restore", "--force", str(tmp_path / "monday.tar.gz"))

        assert stack.ask("GET", f"/api/v1/submissions/{kept['id']}/").body["score"] == kept["score"]
        assert stack.ask("GET", f"/api/v1/submissions/{lost['id']}/").status == 404
        until(lambda: stack.log.read_text().count("it stops, to be restarted") == 2, seconds=20)
        again = stack.wait(stack.submit("KNeighborsClassifier(n_neighbors=5)"), seconds=90)
        assert again["state"] == "scored"
        assert stack.ask("GET", "/readyz").body["ready"]
