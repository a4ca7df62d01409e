"""`manage.py worker_alive QUEUE`: a health check of this machine's worker."""

from __future__ import annotations

import socket
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from submissions.models import Worker


class Command(BaseCommand):
    help = "Exit with 0 if a worker for this queue on this machine sent a heartbeat in the last half minute."
    requires_system_checks = ()  # runs twice a minute: checking the whole project would take too long

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", choices=["cpu", "gpu", "upkeep"])
        parser.add_argument("--host", default=socket.gethostname(), help="another machine's name")

    def handle(self, *, queue: str, host: str, **options: object) -> None:
        if not Worker.objects.alive().filter(device=queue, host=host).exists():
            seconds = settings.WORKER_ALIVE_SECONDS
            raise CommandError(f"No worker for {queue} on {host} sent a heartbeat in the last {seconds} seconds.")
