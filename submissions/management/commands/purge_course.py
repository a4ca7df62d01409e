"""`manage.py purge_course COURSE`: what erasing its personal data would take; with --yes it is done."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from submissions.groups.erasure import Purged, PurgeRefused, purge
from submissions.models import Course


class Command(BaseCommand):
    help = "Erase who was in a course, and keep what was achieved. Without --yes it only says what would go."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", help="its name and term, or its number")
        parser.add_argument("--yes", action="store_true", help="do it, once the course's name has been typed in")
        parser.add_argument("--group-names", action="store_true", help='rename the groups "Group 1" and so on as well')

    def handle(self, *, course: str, yes: bool, group_names: bool, **options: object) -> None:
        chosen = find_course(course)
        done = self._purged(chosen, group_names, rehearse=True)
        self.stdout.write(in_words(done, chosen))
        if not yes:
            self.stdout.write("Nothing has been erased: --yes does it.")
            return
        if answer(f'This cannot be undone. Type "{chosen}" to go on: ') != str(chosen):
            raise CommandError("That is not the course's name: nothing has been erased.")
        self._purged(chosen, group_names, rehearse=False)
        self.stdout.write("Erased. Backups, logs, and files that were downloaded hold it still: delete those as well.")

    def _purged(self, course: Course, group_names: bool, *, rehearse: bool) -> Purged:
        try:
            return purge(course, group_names=group_names, rehearse=rehearse)
        except PurgeRefused as refused:
            raise CommandError(str(refused)) from refused


def find_course(wanted: str) -> Course:
    """The course with that name and term, or that number; archived or not."""
    courses = list(Course.objects.all())
    found = [course for course in courses if wanted in (str(course), str(course.pk))]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f'{course.pk} "{course}"' for course in courses) or "none"
    raise CommandError(f"Say which course, by its name and term or its number: there is {listed}.")


def answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""


def in_words(done: Purged, course: Course) -> str:
    counts = [f"{number:>8,} {what}" for what, number in done.erased.items()]
    kept = [f"In another course too, and so kept: {', '.join(done.kept)}."] if done.kept else []
    return "\n".join([f"Personal data of {course} to erase:", *counts, *kept, "Scores, times and models are kept."])
