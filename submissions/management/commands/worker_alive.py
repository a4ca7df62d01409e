"""For health checks: has this machine's worker been heard of lately?"""

from __future__ import annotations

import socket
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from submissions.models import Worker


class Command(BaseCommand):
    help = "Exit 0 if a worker on this machine has said within the last half minute that it serves the given queue."
    requires_system_checks = ()  # asked twice a minute: no time to look over the whole project

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", choices=["cpu", "gpu", "upkeep"])
        parser.add_argument("--host", default=socket.gethostname(), help="another machine's name")

    def handle(self, *, queue: str, host: str, **options: object) -> None:
        if not Worker.objects.alive().filter(device=queue, host=host).exists():
            seconds = settings.WORKER_ALIVE_SECONDS
            raise CommandError(f"No worker for {queue} on {host} was heard of within {seconds} seconds.")
