"""Runs the tests that use the database again on Postgres, where that is installed."""

import os
import subprocess
import sys

import pytest

from tests.stack import PROJECT

WITHOUT_PROCESSES = "not long and not fault and not trains and not browser"


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="this is that run")
def test_the_database_tests_pass_on_postgres(postgres):
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "-m", WITHOUT_PROCESSES]
    command += ["--hypothesis-profile=quick", "-n", "2"]
    environment = {**os.environ, "TEST_DATABASE_URL": postgres.create("same")}

    run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-2_000:]
