"""`manage.py restore FILE`"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from config.backup import backup, dumps
from config.management.commands.backup import contents


class Command(BaseCommand):
    help = "Replace the database by the backup FILE; the previous data is kept in QUEST_HOME."
    requires_system_checks = ()  # the database may be the very thing that is broken

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--force", action="store_true", help="even while the service runs")

    def handle(self, *, file: Path, force: bool, **options: object) -> None:
        try:
            manifest, aside = backup.restore(file, force=force)
        except (backup.BackupRefused, dumps.DumpFailed, DatabaseError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored the backup of {manifest.made_at}: {contents(manifest)}.")
        if aside:
            self.stdout.write(f"The previous data is in {aside}.")
