"""Shows why nothing moves."""

from __future__ import annotations

import sys

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from workers.service import doctor


class Command(BaseCommand):
    help = "List what is wrong with the service and what to do about it; exit 1 if anything is."
    requires_system_checks = ()  # it must work even if much is broken

    def handle(self, **options: object) -> None:
        problems = doctor.examine()
        for problem in problems:
            self.stdout.write(f"- {problem}")
        try:
            rows = list(doctor.facts())
        except DatabaseError:
            rows = []
        if not problems:
            self.stdout.write("Everything is working.")
        for name, value in rows:
            self.stdout.write(f"  {name}: {value}")
        if problems:
            sys.exit(1)
