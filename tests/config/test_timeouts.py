"""The time limits in the settings: for a database that hangs, and for a supervisor that cannot end its run."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.core.exceptions import ValidationError

from config.celery import app
from tests.stack import PROJECT
from workers.supervisor.run_monitor import START_SECONDS

USUAL = "-c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"
SHOW = "import json; from config import settings; print(json.dumps(settings.DATABASES['default']['OPTIONS']))"


def options(url: str, home: object) -> dict[str, object]:
    env = {**os.environ, "DATABASE_URL": url, "QUEST_HOME": str(home)}
    shown = subprocess.run([sys.executable, "-c", SHOW], env=env, cwd=PROJECT, capture_output=True, text=True)
    return dict(json.loads(shown.stdout))


def test_every_wait_for_postgres_is_limited_and_the_url_overrides_the_limits(tmp_path):
    usual = options("postgres://quest@db/quest", tmp_path)
    own = options("postgres://quest@db/quest?connect_timeout=20&options=-c%20statement_timeout%3D5min", tmp_path)

    assert (usual["connect_timeout"], usual["options"]) == (5, USUAL)
    assert (own["connect_timeout"], own["options"]) == (20, "-c statement_timeout=5min")
    assert own["keepalives"] == 1


def test_celerys_time_limit_is_longer_than_the_supervisors(settings):
    assert app.conf.task_time_limit > settings.LONGEST_RUN_SECONDS + START_SECONDS


def test_no_quest_allows_a_run_longer_than_celerys_limit(quest, settings):
    quest.run_seconds = settings.LONGEST_RUN_SECONDS
    quest.full_clean()
    quest.run_seconds += 1

    with pytest.raises(ValidationError, match="at most 86,400 seconds"):
        quest.full_clean()
