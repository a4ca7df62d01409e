"""The whole database as one file, read and written while others use it: SQLite's online copy, Postgres's own tools."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.apps import apps
from django.db import connection, connections, transaction
from psycopg.conninfo import make_conninfo

from submissions.database.write_lock import file_lock

NAMES = {"sqlite": "quest.sqlite3", "postgresql": "quest.sql"}
LOCK_WAIT = "60s"

# Of a connection's parameters those that matter: the programs' libpq may be older than ours, and not know the others.
_ADDRESS = {"host", "hostaddr", "port", "dbname", "user", "sslmode", "sslrootcert", "sslcert", "sslkey"}

# What a later version added would be in the way of its own migrations.
_DROP_ALL = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP TABLE IF EXISTS public.%I CASCADE', name);
    END LOOP;
END $$;
"""


class DumpFailed(Exception):
    """The database could not be read or written, in a sentence."""


def dump(path: Path) -> dict[str, int]:
    """Write the database as it is at one moment to `path`; the number of rows of each of our tables in it."""
    return _from_postgres(path) if connection.vendor == "postgresql" else _from_sqlite(path)


def load(path: Path) -> None:
    """Put what `dump` wrote in the database's place, in one transaction."""
    if connection.vendor == "postgresql":
        _into_postgres(path)
    else:
        _into_sqlite(path)


def tables() -> list[str]:
    return [model._meta.db_table for model in apps.get_app_config("submissions").get_models()]


def _file() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _from_sqlite(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(_file())) as ours, closing(sqlite3.connect(path)) as copy:
        # In one step: between two, somebody's write would make it begin again.
        ours.backup(copy)
        verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            raise DumpFailed(f"The database {_file()} is damaged: {verdict}.")
        copy.execute("PRAGMA journal_mode = DELETE")  # all in one file
        return {table: copy.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables()}


def _into_sqlite(path: Path) -> None:
    connections.close_all()
    with (
        file_lock(),
        closing(sqlite3.connect(path)) as copy,
        closing(sqlite3.connect(_file(), timeout=30)) as ours,
    ):
        copy.backup(ours)


def _from_postgres(path: Path) -> dict[str, int]:
    with transaction.atomic(), connection.cursor() as cursor:
        # The rows are counted in the very snapshot that is dumped.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        _run("pg_dump", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}")
        rows = {}
        for table in tables():
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            rows[table] = cursor.fetchone()[0]
        return rows


def _into_postgres(path: Path) -> None:
    whole = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction")
    _run("psql", *whole, f"--command={_DROP_ALL}", f"--file={path}", stdout=subprocess.DEVNULL)


def _run(program: str, *options: str, stdout: int | None = None) -> None:
    connection.ensure_connection()
    info = connection.connection.info
    given = {name: value for name, value in info.get_parameters().items() if name in _ADDRESS}
    path = _installed(program)
    told = {"PGPASSWORD": info.password, "PGOPTIONS": f"-c lock_timeout={LOCK_WAIT}"}
    done = subprocess.run(
        [path, f"--dbname={make_conninfo(**given)}", *options],
        env={**os.environ, **{name: value for name, value in told.items() if value}},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise DumpFailed(f"{program} failed: {done.stderr.strip()}")


def _installed(program: str) -> str:
    """Where `program` is; Debian keeps it in a folder of its version where only the server is installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: -float(path.parts[4]))
    found = shutil.which(program) or next((str(path) for path in versions), None)
    if found is None:
        raise DumpFailed(f"There is no {program} here: install Postgres's client programs (postgresql-client).")
    return found
