"""The client as a student gets it: by the line on the service's page, into an environment of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = [pytest.mark.trains, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def student(stack, tmp_path_factory) -> Path:
    """Someone with a fresh environment, in which httpx is there already, as in Colab, and the page's line was run."""
    home = tmp_path_factory.mktemp("student")
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
    [packages] = (home / "venv" / "lib").glob("python*/site-packages")
    (packages / "beside.pth").write_text(sysconfig.get_path("purelib"))
    [wheel] = re.findall(r"pip install (http\S+\.whl)", stack.ask("GET", "/client/").body)
    installed = run(home, "pip", "install", "--no-index", "--disable-pip-version-check", wheel)
    assert installed.returncode == 0, installed.stderr
    return home


def run(student: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": f"{student / 'venv' / 'bin'}:{os.environ['PATH']}", "HOME": str(student)}
    return subprocess.run(command, env={**bare, **env}, cwd=student, capture_output=True, text=True)


def test_what_the_page_installs_submits(stack, student):
    token = stack.logins["itmalgrp05"][1]
    words = ["mnist-quest", "submit", "KNeighborsClassifier(n_neighbors=3)", "--wait", "--json"]

    done = run(student, *words, QUEST_URL=stack.url, QUEST_TOKEN=token)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["score"] > 0.95
    assert "scored 0.9" in done.stderr
    assert token not in done.stdout + done.stderr


def test_what_the_page_installs_is_typed_and_needs_httpx_alone(student):
    shown = run(student, "pip", "show", "--files", "--disable-pip-version-check", "mnist-quest").stdout

    assert "mnist_quest/py.typed" in shown
    assert "Requires: httpx\n" in shown
