"""Backups: one .tar.gz with a dump of the database and a manifest that says what it is. No secrets but digests."""

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
from config.launcher.__main__ import CannotStart, alone
from submissions.database.write_lock import writing
from submissions.models import Attempt, Exit, Worker
from submissions.queue import leases
from submissions.queue.lifecycle import MoveRefused

SERVICE = "MNIST Search Quest"
MANIFEST = "manifest.json"


class BackupRefused(Exception):
    """Why nothing was written, in a sentence."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`rows` counts each of our tables in the dump; `sha256` is the dump's."""

    service: str
    made_at: str
    version: str
    database: str
    migrations: list[str]
    rows: dict[str, int]
    sha256: str


def back_up(file: Path) -> Manifest:
    """Write a backup to `file`, whole or not at all, while the service runs. Raises Refused or DumpFailed."""
    if file.exists():
        raise BackupRefused(f"{file} is there already: name another file, or remove it.")
    with _folder(file.absolute().parent) as folder:
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
        with tarfile.open(folder / "whole", "w:gz") as archive:
            for path in (folder / MANIFEST, dump):
                archive.add(path, path.name)
        os.chmod(folder / "whole", 0o600)  # names, notes and digests of passwords are nobody else's
        os.replace(folder / "whole", file)
    return manifest


def restore(file: Path, *, force: bool = False) -> tuple[Manifest, Path | None]:
    """Put `file` in the database's place; the manifest, and where what was there before is kept (None: nothing was).

    Raises Refused, with nothing changed, unless it is a backup of such a database by this version or an older one,
    and nothing runs here (`force`: whatever runs).
    """
    with nullcontext() if force else _nobody_else(), _folder(Path(settings.QUEST_HOME)) as folder:
        manifest, dump = _unpacked(file, folder)
        _check(manifest, dump)
        aside = _set_aside()
        dumps.load(dump)
    connections.close_all()
    call_command("migrate", verbosity=0)
    _settle()
    return manifest, aside


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    try:
        folder = tempfile.mkdtemp(prefix=".backup-", dir=parent)
    except OSError as error:
        raise BackupRefused(f"{parent} cannot be written: {error.strerror}.") from error
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _nobody_else() -> Iterator[None]:
    stop_it = "stop it first, or say --force, which also restarts the workers"
    try:
        alive = list(Worker.objects.alive().values_list("name", flat=True))
    except DatabaseError:  # no tables yet, or none that can be read: nobody works on them
        alive = []
    if alive:
        raise BackupRefused(f"The service runs (alive: {', '.join(alive)}): {stop_it}.")
    try:
        with alone(Path(settings.QUEST_HOME)):
            yield
    except CannotStart:
        raise BackupRefused(f"The service runs on {settings.QUEST_HOME}: {stop_it}.") from None


def _unpacked(file: Path, folder: Path) -> tuple[Manifest, Path]:
    """The manifest, and the dump laid into `folder`; of the archive nothing else is looked at."""
    try:
        with tarfile.open(file) as archive:
            manifest = Manifest(**json.loads(_member(archive, MANIFEST).read()))
            dump = folder / dumps.NAMES[manifest.database]
            with dump.open("wb") as target:
                shutil.copyfileobj(_member(archive, dump.name), target)
    except FileNotFoundError:
        raise BackupRefused(f"There is no file {file}.") from None
    except (OSError, tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise BackupRefused(f"{file} is no whole backup of this service ({error}).") from error
    return manifest, dump


def _member(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member


def _check(manifest: Manifest, dump: Path) -> None:
    if manifest.database != connection.vendor:
        raise BackupRefused(f"This backup is of {manifest.database}, and the service is on {connection.vendor}.")
    if _sha256(dump) != manifest.sha256:
        raise BackupRefused("The backup is damaged: its dump has another checksum than its manifest says.")
    known = {".".join(name) for name in MigrationLoader(None).disk_migrations}
    if newer := sorted(name for name in manifest.migrations if name not in known and name.startswith("submissions.")):
        raise BackupRefused(
            f"This backup is of version {manifest.version}, which has tables that this one, {settings.QUEST_VERSION}, "
            f"does not know ({', '.join(newer)}): install that version first."
        )


def _set_aside() -> Path | None:
    """A backup of what is there now; of an SQLite file that cannot be read any more, the file itself."""
    stamp = timezone.now().strftime("%Y%m%d-%H%M%S-%f")
    aside = Path(settings.QUEST_HOME) / f"before-restore-{stamp}.tar.gz"
    try:
        if "submissions_submission" not in connection.introspection.table_names():
            return None
        back_up(aside)
    except (DatabaseError, sqlite3.DatabaseError, dumps.DumpFailed) as error:
        if connection.vendor != "sqlite":
            raise BackupRefused(f"What is there now could not be kept aside: {error}.") from error
        connections.close_all()
        return _moved(Path(str(connection.settings_dict["NAME"])), stamp)
    return aside


def _moved(file: Path, stamp: str) -> Path:
    aside = file.with_name(f"{file.name}.before-restore-{stamp}")
    for ending in ("", "-wal", "-shm"):
        part = Path(f"{file}{ending}")
        if part.exists():
            os.replace(part, f"{aside}{ending}")
    return aside


def _settle() -> None:
    """What ran when the backup was made runs no more, and neither do the workers of that time."""
    reason = "The database was put back from a backup meanwhile."
    for attempt in Attempt.objects.filter(ended_at=None).select_related("worker"):
        with suppress(MoveRefused):  # a worker that was not told to stop has just ended it
            leases.release(attempt, Exit.DRAINED, reason=reason, actor="restore")
    with writing():
        Worker.objects.filter(stopped_at=None).update(stopped_at=timezone.now())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
