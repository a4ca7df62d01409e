"""The client as a student gets it: by the page's line, into an empty environment, with no package index."""

from __future__ import annotations

import html
import json
import os
import pty
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.stack, pytest.mark.trains, pytest.mark.long, pytest.mark.timeout(240)]
PYTHONS = ["3.9", "3.10", "3.11", "3.12", "3.13"]


def python(version: str) -> str | None:
    """A Python of that version: on the PATH, or among pyenv's, whose shims on the PATH may lead nowhere."""
    ours = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*ours.glob(f"{version}.*/bin/python{version}"), shutil.which(f"python{version}")]
    works = (one for one in found if one and subprocess.run([one, "-c", ""], capture_output=True).returncode == 0)
    return next(map(str, works), None)


@pytest.fixture(scope="module")
def student(request, stack, tmp_path_factory) -> Path:
    """Someone with a fresh and empty environment of that Python, in which the page's line was run."""
    if not (interpreter := python(request.param)):
        pytest.skip(f"no Python {request.param} here")
    home = tmp_path_factory.mktemp("student")
    subprocess.run([interpreter, "-m", "venv", home / "venv"], check=True)
    [words] = re.findall(r"pip install (.*mnist-quest)", html.unescape(stack.ask("GET", "/client/").body))
    installed = run(
        home, "pip", "install", "--disable-pip-version-check", *words.split(), PIP_INDEX_URL="http://127.0.0.1:9/"
    )
    assert installed.returncode == 0, installed.stderr
    return home


everywhere = pytest.mark.parametrize("student", PYTHONS, indirect=True)


def run(student: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": f"{student / 'venv' / 'bin'}:{os.environ['PATH']}", "HOME": str(student)}
    return subprocess.run(command, env={**bare, **env}, cwd=student, capture_output=True, text=True)


@everywhere
def test_the_installed_client_submits(stack, student):
    token = stack.logins["itmalgrp05"][1]
    words = ["mnist-quest", "submit", "KNeighborsClassifier(n_neighbors=3)", "--wait", "--json"]

    done = run(student, *words, QUEST_URL=stack.url, QUEST_TOKEN=token)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["score"] > 0.95
    assert "scored 0.9" in done.stderr
    assert token not in done.stdout + done.stderr


@everywhere
def test_a_script_submits_waits_and_reads_the_board(stack, student):
    script = (
        "from mnist_quest import Quest\n"
        "quest = Quest()\n"
        "run = quest.submit('RandomForestClassifier(n_estimators=5, random_state=1)')\n"
        "run.wait()\n"
        "print(run.score, run.training_time, run.hardware)\n"
        "print(quest.leaderboard(), quest.runs()[0], quest.notation(run.model))\n"
    )

    done = run(
        student, "python", "-W", "error", "-c", script, QUEST_URL=stack.url, QUEST_TOKEN=stack.logins["itmalgrp05"][1]
    )

    assert done.returncode == 0, done.stderr
    assert re.match(r"0\.[89]\d* ", done.stdout)
    assert "ITMALGrp05" in done.stdout
    assert "RandomForestClassifier(n_estimators=5" in done.stdout


@everywhere
def test_a_terminal_shows_a_bar_that_ends_as_a_line(stack, student):
    words = ["mnist-quest", "submit", "Sequential([Input((64,)), Dense(10)])\nmodel.fit(x, y, epochs=500)", "--wait"]

    code, seen = at_a_terminal(student, *words, QUEST_URL=stack.url, QUEST_TOKEN=stack.logins["itmalgrp05"][1])

    assert code == 0, seen
    assert re.search(r"\r\[#+\.*\] .*epoch \d+ of 500", seen)
    assert re.search(r"\r[^\[\r]*scored 0\.\d+.*\r\n$", seen)


def at_a_terminal(student: Path, *command: str, **env: str) -> tuple[int, str]:
    """The exit code, and all that a terminal of its own was given."""
    ours, its = pty.openpty()
    bare = {"PATH": f"{student / 'venv' / 'bin'}:{os.environ['PATH']}", "HOME": str(student), "COLUMNS": "110"}
    with subprocess.Popen(command, env={**bare, **env}, cwd=student, stdin=its, stdout=its, stderr=its) as running:
        os.close(its)
        seen = b""
        while part := _read(ours):
            seen += part
    os.close(ours)
    return running.returncode, seen.decode()


def _read(terminal: int) -> bytes:
    """The next bytes of output; empty once every writer has closed the terminal, which Linux reports as an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


@everywhere
def test_the_installed_client_is_typed_and_needs_only_httpx(student):
    shown = run(student, "pip", "show", "--files", "--disable-pip-version-check", "mnist-quest").stdout

    assert "mnist_quest/py.typed" in shown
    assert "Requires: httpx\n" in shown
