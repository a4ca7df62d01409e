"""`manage.py backup FILE`"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from config.backup import backup, dumps


class Command(BaseCommand):
    help = "Write the whole database to FILE, a .tar.gz, also while the service runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *, file: Path, **options: object) -> None:
        try:
            manifest = backup.back_up(file)
        except (backup.BackupRefused, dumps.DumpFailed, DatabaseError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{file}: {contents(manifest)}, {file.stat().st_size / 1e6:,.1f} MB.")


def contents(manifest: backup.Manifest) -> str:
    tables = ("group", "quest", "submission", "score")
    return ", ".join(f"{manifest.rows.get(f'submissions_{name}', 0):,} {name}s" for name in tables)
