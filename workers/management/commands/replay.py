"""Shows why an attempt ended as it did."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from submissions.models import Attempt
from workers.processes.protocol import LateEvent, TrainerEvent, TrainerResult
from workers.service import replay

FAILED, DIFFERENT = 1, 3  # a wrong command line exits with 2
NOT_SHOWN = ("event", "attempt", "phase")


class Command(BaseCommand):
    help = (
        "Train an attempt again, outside Celery and recording nothing, and show it beside what was recorded. "
        "Exit 0 if its answers are the same, 1 if it fails, 3 if its answers differ."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("attempt", metavar="ATTEMPT", help="its id, as in the log, or SUBMISSION/NUMBER: 17/2")
        parser.add_argument("--device", choices=["cpu", "gpu"], help="a device other than the attempt's")
        parser.add_argument("--seconds", type=float, help="stop after this many seconds; default: the quest's limit")

    def handle(self, *, attempt: str, device: str | None, seconds: float | None, **options: object) -> None:
        found = _attempt(attempt)
        device = device or found.device
        limit = seconds or found.submission.quest.run_seconds
        self.stdout.write(f"{found}: {found.submission.headline} on {found.submission.quest.dataset}, {device}")
        with replay.trainer(found, device=device) as trainer:
            for event in replay.events(found, trainer, device=device, limit_s=limit):
                self._show_progress(event)
            output = trainer.output_tail
        self._show_end(found, event, output, limit)

    def _show_progress(self, event: TrainerEvent | LateEvent) -> None:
        if event["event"] == "started":
            self.stdout.write("training …")
        elif event["event"] == "progress":
            figures = ", ".join(f"{name} {_short(value)}" for name, value in event.items() if name not in NOT_SHOWN)
            self.stdout.write(f"  {figures}")

    def _show_end(self, attempt: Attempt, last: TrainerEvent | LateEvent, output: str, limit: float) -> None:
        if last["event"] == "done":
            return self._compare(attempt, last["result"])
        if output:
            self.stdout.write(f"--- what it printed\n{output.rstrip()}\n---")
        if last["event"] == "failed":
            self.stdout.write(last["traceback"])
        elif last["event"] == "exited":
            self.stdout.write(f"The trainer crashed (exit code {last['code']}).")
        elif last["event"] == "late":
            self.stdout.write(f"It was still running after {limit:g} seconds and was stopped.")
        self.stdout.write(f"Recorded: {attempt.get_exit_display() or 'still going'}. {attempt.reason}".strip())
        sys.exit(FAILED)

    def _compare(self, attempt: Attempt, result: TrainerResult) -> None:
        self.stdout.write(f"{'':<16}{'recorded':<28}now")
        for row in replay.compare(attempt, result):
            self.stdout.write(f"{row.name:<16}{row.recorded:<28}{row.now}")
        changed = replay.changed_answers(attempt, result)
        if changed is None:
            self.stdout.write(f"Recorded: {attempt.get_exit_display() or 'still going'}. {attempt.reason}".strip())
        elif changed:
            self.stdout.write(f"The two disagree on {changed} test images.")
            sys.exit(DIFFERENT)
        else:
            self.stdout.write("The two agree on every test image.")


def _attempt(asked: str) -> Attempt:
    submission, _, number = asked.partition("/")
    attempts = Attempt.objects.select_related("submission__quest", "worker")
    try:
        wanted = {"submission": int(submission), "number": int(number)} if number else {"pk": int(asked)}
        return attempts.get(**wanted)
    except (ValueError, OverflowError, Attempt.DoesNotExist):
        raise CommandError(f"There is no attempt {asked!r}: give its id, or SUBMISSION/NUMBER such as 17/2.") from None


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
