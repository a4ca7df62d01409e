"""A temporary Postgres cluster for the tests, run by an unprivileged user and removed at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests import programs
from workers.processes.parent_death import die_with_parent

INITDB = ["--auth=trust", "--username=quest", "--encoding=UTF8", "--no-locale", "--no-sync"]
SETTINGS = {"listen_addresses": "", "max_connections": "200", "fsync": "off", "shared_buffers": "64MB"}


def unprivileged() -> pwd.struct_passwd | None:
    """The user to run Postgres as, since it refuses to run as root; None if the tests do not run as root."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    return users.get("postgres") or users["nobody"]


class Cluster:
    """One Postgres server. It listens only on a socket in its folder, which only its user may enter."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="quest-postgres-"))
        self.as_user: dict[str, Any] = {"cwd": self.folder}
        if user := unprivileged():
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.log = self.folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        initdb: list[str | Path] = [binaries / "initdb", "-D", self.folder / "data", *INITDB]
        subprocess.run(initdb, check=True, capture_output=True, **self.as_user)

    def url(self, database: str = "postgres") -> str:
        return f"postgres://quest@{quote(str(self.folder), safe='')}/{database}"

    def start(self) -> None:
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.folder / "data", "-k", self.folder, *options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, by=signal.SIGQUIT),
                **self.as_user,
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop as an administrator does: connections are cut, committed data is kept."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60)

    def restart(self, *, away_seconds: float = 0) -> None:
        self.stop()
        time.sleep(away_seconds)
        self.start()

    def create(self, database: str) -> str:
        """Create an empty database; returns its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """The running server. A test that stops it must start it again."""
    cluster = Cluster(programs.required("postgresql"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture(scope="session")
def postgres_url(postgres: Cluster) -> str:
    """The URL of an empty database."""
    return postgres.create("quest")
