"""A site for each test, on SQLite and on Postgres."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import psycopg
import pytest

from submissions.models import Score, Submission
from tests.faults.site import Site, create_open_quest, use_database_of
from tests.faults.table import Line, add_line, fault_of
from tests.postgres import Cluster
from tests.stack import PROJECT

NO_PARAMETERS = SimpleNamespace(params={})


def migrate(site: Site) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=PROJECT, env=site.environment, check=True)


@pytest.fixture(scope="session")
def blank_sqlite(tmp_path_factory: pytest.TempPathFactory, digits_home: Path) -> Path:
    """A migrated SQLite file; each test copies it."""
    home = tmp_path_factory.mktemp("blank")
    migrate(Site(home, digits_home))
    return home / "quest.sqlite3"


@pytest.fixture(scope="session")
def blank_postgres(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory, digits_home: Path) -> str:
    """The name of a migrated Postgres database; each test copies it."""
    migrate(Site(tmp_path_factory.mktemp("blank"), digits_home, postgres.create("blank")))
    return "blank"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated database for this test; empty for an SQLite file in the site's home."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("blank_sqlite"), tmp_path / "quest.sqlite3")
        return ""
    cluster, blank = request.getfixturevalue("postgres"), request.getfixturevalue("blank_postgres")
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{tmp_path.name}" TEMPLATE "{blank}"')
    return cluster.url(quote(tmp_path.name))


@pytest.fixture
def site(tmp_path: Path, digits_home: Path, database_url: str, odd_family: None, django_db_blocker) -> Iterator[Site]:
    """A service with an open quest and no running process; this process uses its database."""
    (tmp_path / "static").mkdir()
    site = Site(tmp_path, digits_home, database_url)
    with django_db_blocker.unblock(), use_database_of(site):
        create_open_quest()
        try:
            yield site
        finally:
            site.end()


@pytest.fixture
def measured(request: pytest.FixtureRequest):
    """Add a measurement to the table, and fail the test if the criterion is not met."""
    item = request.node
    database = "Postgres" if "postgres" in getattr(item, "callspec", NO_PARAMETERS).params.values() else "SQLite"

    def measured(
        what: str, value: float, *, at_most: float | None = None, exactly: float | None = None, unit: str = " s"
    ) -> None:
        rounded = round(value, 2)
        criterion = f"at most {at_most:g}{unit}" if at_most is not None else ""
        criterion = f"exactly {exactly:g}" if exactly is not None else criterion
        met = (at_most is None or value <= at_most) and (exactly is None or value == exactly)
        unit = "" if exactly is not None else unit
        # Lines are sent to another process, so they hold plain values; the label of a state is a lazy translation.
        line = Line(fault_of(item), database, str(what), rounded, unit, criterion, met)
        add_line(item, line)
        assert met, str(line)

    return measured


@pytest.fixture
def scored_once(site: Site, measured):
    """Check that each of these submissions was scored once, and add the number of score rows to the table."""

    def scored_once(*submissions: Submission) -> None:
        for submission in submissions:
            assert site.scored_once(submission)
        rows = Score.objects.filter(submission__in=[submission.pk for submission in submissions]).count()
        measured("score rows" + (f" of {len(submissions)}" if submissions[1:] else ""), rows, exactly=len(submissions))

    return scored_once
