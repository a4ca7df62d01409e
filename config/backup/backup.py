"""Backups: one .tar.gz with a database dump and a manifest. It holds digests of passwords and tokens, no secrets."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from config.backup import dumps
from config.launcher.instance import CannotStart, single_instance
from submissions.database.write_lock import writing
from submissions.models import Attempt, Exit, Worker
from submissions.queue import leases
from submissions.queue.lifecycle import MoveRefused

SERVICE = "MNIST Search Quest"
MANIFEST = "manifest.json"


class BackupRefused(Exception):
    """The backup or restore was refused and nothing was written; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`rows` counts the rows of each of our tables in the dump; `sha256` is the checksum of the dump."""

    service: str
    made_at: str
    version: str
    database: str
    migrations: list[str]
    rows: dict[str, int]
    sha256: str


def back_up(file: Path) -> Manifest:
    """Write a complete backup to `file`, also while the service runs. Raises BackupRefused or DumpFailed."""
    if file.exists():
        raise BackupRefused(f"{file} already exists: name another file, or remove it.")
    with _temporary_folder(file.absolute().parent) as folder:
        dump = folder / dumps.NAMES[connection.vendor]
        rows = dumps.dump(dump)
        manifest = Manifest(
            service=SERVICE,
            made_at=timezone.now().isoformat(timespec="seconds"),
            version=settings.QUEST_VERSION,
            database=connection.vendor,
            migrations=sorted(".".join(name) for name in MigrationLoader(connection).applied_migrations),
            rows=rows,
            sha256=_sha256(dump),
        )
        (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2))
        with tarfile.open(folder / "complete", "w:gz") as archive:
            for path in (folder / MANIFEST, dump):
                archive.add(path, path.name)
        os.chmod(folder / "complete", 0o600)  # names, notes and password digests are for the owner only
        os.replace(folder / "complete", file)
    return manifest


def restore(file: Path, *, force: bool = False) -> tuple[Manifest, Path | None]:
    """Replace the database by the backup `file`; returns its manifest and the file that keeps the previous data.

    That file is None if there was no previous data. Raises BackupRefused, with nothing changed, unless the backup is of
    the same kind of database, by this version or an older one, and the service is stopped (`force` skips that check).
    """
    with nullcontext() if force else _service_stopped(), _temporary_folder(Path(settings.QUEST_HOME)) as folder:
        manifest, dump = _unpack(file, folder)
        _check_restorable(manifest, dump)
        aside = _keep_current_data()
        dumps.load(dump)
    connections.close_all()
    call_command("migrate", verbosity=0)
    release_interrupted_runs()
    return manifest, aside


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    try:
        folder = tempfile.mkdtemp(prefix=".backup-", dir=parent)
    except OSError as error:
        raise BackupRefused(f"{parent} is not writable: {error.strerror}.") from error
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _service_stopped() -> Iterator[None]:
    stop_it = "stop it first, or use --force, which also restarts the workers"
    try:
        alive = list(Worker.objects.alive().values_list("name", flat=True))
    except DatabaseError:  # no readable tables, so no worker uses them
        alive = []
    if alive:
        raise BackupRefused(f"The service runs (live workers: {', '.join(alive)}): {stop_it}.")
    try:
        with single_instance(Path(settings.QUEST_HOME)):
            yield
    except CannotStart:
        raise BackupRefused(f"The service runs on {settings.QUEST_HOME}: {stop_it}.") from None


def _unpack(file: Path, folder: Path) -> tuple[Manifest, Path]:
    """Read the manifest and extract the dump into `folder`; other members of the archive are ignored."""
    try:
        with tarfile.open(file) as archive:
            manifest = Manifest(**json.loads(_member(archive, MANIFEST).read()))
            dump = folder / dumps.NAMES[manifest.database]
            with dump.open("wb") as target:
                shutil.copyfileobj(_member(archive, dump.name), target)
    except FileNotFoundError:
        raise BackupRefused(f"There is no file {file}.") from None
    except (OSError, tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise BackupRefused(f"{file} is not a complete backup of this service ({error}).") from error
    return manifest, dump


def _member(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member


def _check_restorable(manifest: Manifest, dump: Path) -> None:
    if manifest.database != connection.vendor:
        raise BackupRefused(f"This backup is of {manifest.database}, but the service uses {connection.vendor}.")
    if _sha256(dump) != manifest.sha256:
        raise BackupRefused("The backup is damaged: the dump's checksum differs from the manifest's.")
    known = {".".join(name) for name in MigrationLoader(None).disk_migrations}
    if newer := sorted(name for name in manifest.migrations if name not in known and name.startswith("submissions.")):
        raise BackupRefused(
            f"This backup is of version {manifest.version}, which has tables that version {settings.QUEST_VERSION} "
            f"does not know ({', '.join(newer)}): install that version first."
        )


def _keep_current_data() -> Path | None:
    """Back up the current data, and return the file. An unreadable SQLite database is moved aside instead."""
    stamp = timezone.now().strftime("%Y%m%d-%H%M%S-%f")
    aside = Path(settings.QUEST_HOME) / f"before-restore-{stamp}.tar.gz"
    try:
        if "submissions_submission" not in connection.introspection.table_names():
            return None
        back_up(aside)
    except (DatabaseError, sqlite3.DatabaseError, dumps.DumpFailed) as error:
        if connection.vendor != "sqlite":
            raise BackupRefused(f"The current data could not be backed up: {error}.") from error
        connections.close_all()
        return _move_aside(Path(str(connection.settings_dict["NAME"])), stamp)
    return aside


def _move_aside(file: Path, stamp: str) -> Path:
    aside = file.with_name(f"{file.name}.before-restore-{stamp}")
    for ending in ("", "-wal", "-shm"):
        part = Path(f"{file}{ending}")
        if part.exists():
            os.replace(part, f"{aside}{ending}")
    return aside


def release_interrupted_runs() -> None:
    """Queue the runs that the backup caught, and mark its workers as stopped."""
    reason = "The database was restored from a backup during this run."
    for attempt in Attempt.objects.filter(ended_at=None).select_related("worker"):
        with suppress(MoveRefused):  # a worker that still runs has just ended it
            leases.release(attempt, Exit.DRAINED, reason=reason, actor="restore")
    with writing():
        Worker.objects.filter(stopped_at=None).update(stopped_at=timezone.now())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
