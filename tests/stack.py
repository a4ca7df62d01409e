"""The whole service as `make run` starts it – broker, web, beat, workers – on free ports and in its own home."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config.launcher.broker import free_port

PROJECT = Path(__file__).resolve().parent.parent
# The environment variables that a started service must not inherit.
SERVICE_VARIABLES = (
    "REDIS_URL",
    "DATABASE_URL",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "HOST",
    "QUEST_DATA",
    "DJANGO_SETTINGS_MODULE",
)


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Stack:
    """A running service, used over HTTP."""

    url: str
    home: Path
    process: subprocess.Popen[str]
    log: Path

    @property
    def logins(self) -> dict[str, tuple[str, str]]:
        """Password and token of each demo user."""
        rows = re.findall(r"^(\w+)\s+(\S+)\s+\S+\s+(quest_\w+)", (self.home / "demo-logins.txt").read_text(), re.M)
        return {name: (password, token) for name, password, token in rows}

    def ask(self, method: str, path: str, body: Any = None, *, user: str = "itmalgrp01", **headers: str) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "Authorization": f"Token {self.logins[user][1]}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return _read(answer.status, answer)
        except urllib.error.HTTPError as error:
            return _read(error.code, error)

    def submit(self, model: Any, **more: Any) -> dict[str, Any]:
        user = more.pop("user", "itmalgrp01")
        answer = self.ask("POST", "/api/v1/submissions/", {"model": model, **more}, user=user)
        assert answer.status == 201, answer.body
        return answer.body

    def wait(self, submission: dict[str, Any], *states: str, seconds: float = 90) -> dict[str, Any]:
        """Wait until the submission is in one of `states` (by default: has ended); returns it."""
        expected = states or ("scored", "failed", "timed_out", "cancelled")
        what = f"{submission['id']} in {expected}"
        return until(lambda: self._in_state(submission["id"], expected), seconds=seconds, what=what)

    def _in_state(self, number: int, states: tuple[str, ...]) -> dict[str, Any] | None:
        body = self.ask("GET", f"/api/v1/submissions/{number}/", user="instructor").body
        return body if body["state"] in states else None

    def end(self) -> int:
        """Stop by Ctrl-C, which sends SIGINT to the whole process group; returns the seconds that it took."""
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=20)
        return round(time.monotonic() - began)


def _read(status: int, answer: Any) -> Answer:
    raw = answer.read().decode()
    headers = dict(answer.headers.items())
    body = json.loads(raw) if "json" in headers.get("Content-Type", "") else raw
    return Answer(status, body, headers)


def until(condition: Callable[[], Any], *, seconds: float, what: str = "it") -> Any:
    """Call `condition` until its result is true, and return that; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} seconds"
        time.sleep(0.1)
    return found


def launch(home: Path, mode: str = "run", **env: str) -> tuple[subprocess.Popen[str], Path]:
    """Start the launcher; returns its process and the file with its output."""
    clean = {name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES}
    log = home / "launcher.log"
    home.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.launcher", mode],
            cwd=PROJECT,
            env={**clean, "QUEST_HOME": str(home), **env},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    return process, log


@contextmanager
def running(home: Path, data_home: Path, **env: str) -> Iterator[Stack]:
    """A service that runs while the context lasts."""
    port = free_port()
    variables = {"PORT": str(port), "QUEST_DATA_HOME": str(data_home), "QUEST_DEMO_DATASET": "digits", **env}
    process, log = launch(home, **variables)
    try:
        until(lambda: _ready(process, log), seconds=900, what="Ready")
        yield Stack(f"http://127.0.0.1:{port}", home, process, log)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=20)


def _ready(process: subprocess.Popen[str], log: Path) -> bool:
    output = log.read_text()
    assert process.poll() is None, output
    return "Demo logins" in output


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, digits_home: Path) -> Iterator[Stack]:
    """One service, shared by all tests that do not break it."""
    with running(tmp_path_factory.mktemp("quest"), digits_home) as stack:
        yield stack
