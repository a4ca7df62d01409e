"""A worker's log lines carry the ids of their run; in production every line is JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial

import pytest

from tests.stack import PROJECT, SERVICE_VARIABLES, Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LOG_LINES = """
import logging, django, structlog
django.setup()
structlog.contextvars.bind_contextvars(worker="cpu@here", attempt=7)
structlog.get_logger("workers.supervisor.supervisor").info("run begins", number=1)
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("django").exception("it broke %s", "off")
    structlog.get_logger("workers").exception("so did this")
"""


def lines_of(tmp_path, **env: str) -> list[str]:
    (tmp_path / "static").mkdir()
    clean = {name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES}
    settings = {"QUEST_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings", **env}
    command = [sys.executable, "-c", LOG_LINES]
    done = subprocess.run(command, cwd=PROJECT, env=clean | settings, capture_output=True, text=True, check=True)
    return done.stderr.splitlines()


def test_in_production_every_line_is_json_with_its_ids_and_its_traceback(tmp_path):
    production = {"QUEST_PRODUCTION": "1", "SECRET_KEY": "s" * 40, "ALLOWED_HOSTS": "quest.example.edu"}
    begins, *broken = [json.loads(line) for line in lines_of(tmp_path, **production)]

    ids = {"worker": "cpu@here", "attempt": 7}
    assert begins.items() >= (ids | {"event": "run begins", "number": 1, "level": "info"}).items()
    assert begins["logger"] == "workers.supervisor.supervisor"
    assert begins["timestamp"].endswith("Z")
    for line in broken:
        assert line.items() >= ids.items()
        assert line["exception"].startswith("Traceback")
        assert line["exception"].endswith("ZeroDivisionError: division by zero")


def test_on_a_terminal_a_log_line_is_plain_text(tmp_path):
    first, *_ = lines_of(tmp_path)

    assert "run begins" in first
    assert "worker=cpu@here" in first


def find_line(stack: Stack, submission: int, event: str) -> str | None:
    lines = stack.log.read_text().splitlines()
    return next((line for line in lines if event in line and f"submission={submission} " in f"{line} "), None)


@pytest.mark.trains
def test_a_workers_lines_name_submission_attempt_and_worker(stack):
    scored = stack.wait(stack.submit("KNeighborsClassifier(n_neighbors=3)", user="itmalgrp05"))

    assert scored["state"] == "scored"
    for event in ("run begins", "run scored"):
        line = until(partial(find_line, stack, scored["id"], event), seconds=5, what=event)
        assert " attempt=" in line
        assert " worker=cpu@" in line
        assert " worker_id=" in line
