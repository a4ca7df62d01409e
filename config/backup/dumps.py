"""Dump and load the whole database while others use it: by SQLite's online backup, or by pg_dump and psql."""

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

# The connection parameters that are passed on. The programs' libpq may be older than ours and not know the others.
_PASSED_ON = {"host", "hostaddr", "port", "dbname", "user", "sslmode", "sslrootcert", "sslcert", "sslkey"}

# Drops every table: one that a later version added would block that version's migrations later.
_DROP_ALL = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP TABLE IF EXISTS public.%I CASCADE', name);
    END LOOP;
END $$;
"""


class DumpFailed(Exception):
    """The database could not be dumped or loaded; the message says why, in a sentence."""


def dump(path: Path) -> dict[str, int]:
    """Write a consistent snapshot of the database to `path`; returns the number of rows of each of our tables."""
    return _dump_postgres(path) if connection.vendor == "postgresql" else _dump_sqlite(path)


def load(path: Path) -> None:
    """Replace the database by the dump in `path`, in one transaction."""
    if connection.vendor == "postgresql":
        _load_postgres(path)
    else:
        _load_sqlite(path)


def tables() -> list[str]:
    return [model._meta.db_table for model in apps.get_app_config("submissions").get_models()]


def _sqlite_file() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _dump_sqlite(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(_sqlite_file())) as ours, closing(sqlite3.connect(path)) as copy:
        # In one step: a write between two steps would restart the copy.
        ours.backup(copy)
        integrity = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if integrity != "ok":
            raise DumpFailed(f"The database {_sqlite_file()} is damaged: {integrity}.")
        copy.execute("PRAGMA journal_mode = DELETE")  # keeps the dump in one file
        return {table: copy.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables()}


def _load_sqlite(path: Path) -> None:
    connections.close_all()
    with (
        file_lock(),
        closing(sqlite3.connect(path)) as copy,
        closing(sqlite3.connect(_sqlite_file(), timeout=30)) as ours,
    ):
        copy.backup(ours)


def _dump_postgres(path: Path) -> dict[str, int]:
    with transaction.atomic(), connection.cursor() as cursor:
        # Count the rows in the same snapshot that pg_dump uses.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        _run_client("pg_dump", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}")
        rows = {}
        for table in tables():
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            rows[table] = cursor.fetchone()[0]
        return rows


def _load_postgres(path: Path) -> None:
    options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction")
    _run_client("psql", *options, f"--command={_DROP_ALL}", f"--file={path}", stdout=subprocess.DEVNULL)


def _run_client(program: str, *options: str, stdout: int | None = None) -> None:
    connection.ensure_connection()
    info = connection.connection.info
    parameters = {name: value for name, value in info.get_parameters().items() if name in _PASSED_ON}
    path = _program_path(program)
    variables = {"PGPASSWORD": info.password, "PGOPTIONS": f"-c lock_timeout={LOCK_WAIT}"}
    done = subprocess.run(
        [path, f"--dbname={make_conninfo(**parameters)}", *options],
        env={**os.environ, **{name: value for name, value in variables.items() if value}},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise DumpFailed(f"{program} failed: {done.stderr.strip()}")


def _program_path(program: str) -> str:
    """The path of `program`; Debian keeps it in a versioned folder where only the server is installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: -float(path.parts[4]))
    found = shutil.which(program) or next((str(path) for path in versions), None)
    if found is None:
        raise DumpFailed(f"{program} was not found: install Postgres's client programs (postgresql-client).")
    return found
