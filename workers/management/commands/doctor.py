"""For whoever asks why nothing moves."""

from __future__ import annotations

import sys

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from workers.service import doctor


class Command(BaseCommand):
    help = "Say in sentences what is wrong with the service and what to do about it; exit 1 if anything is."
    requires_system_checks = ()  # it must be able to speak when much is broken

    def handle(self, **options: object) -> None:
        troubles = doctor.examine()
        for trouble in troubles:
            self.stdout.write(f"- {trouble}")
        try:
            rows = list(doctor.facts())
        except DatabaseError:
            rows = []
        if not troubles:
            self.stdout.write("All is well.")
        for name, value in rows:
            self.stdout.write(f"  {name}: {value}")
        if troubles:
            sys.exit(1)
