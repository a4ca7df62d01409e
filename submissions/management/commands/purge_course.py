"""`manage.py purge_course COURSE`: lists the personal data to erase; with --yes erases it."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from submissions.groups.erasure import PurgeRefused, PurgeResult, purge
from submissions.models import Course


class Command(BaseCommand):
    help = "Erase a course's personal data and keep its results. Without --yes nothing is erased, only listed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", help="its name and term, or its number")
        parser.add_argument("--yes", action="store_true", help="erase, after the course's name has been typed in")
        parser.add_argument("--group-names", action="store_true", help='rename the groups "Group 1" and so on as well')

    def handle(self, *, course: str, yes: bool, group_names: bool, **options: object) -> None:
        chosen = find_course(course)
        done = self._purge(chosen, group_names, rehearse=True)
        self.stdout.write(in_words(done, chosen))
        if not yes:
            self.stdout.write("Nothing has been erased; add --yes to erase it.")
            return
        if answer(f'This cannot be undone. Type "{chosen}" to continue: ') != str(chosen):
            raise CommandError("That is not the course's name: nothing has been erased.")
        self._purge(chosen, group_names, rehearse=False)
        self.stdout.write("Erased. Backups, logs and downloaded files still contain this data: delete them as well.")

    def _purge(self, course: Course, group_names: bool, *, rehearse: bool) -> PurgeResult:
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
    raise CommandError(f"Give the course's name and term, or its number. Courses: {listed}.")


def answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""


def in_words(done: PurgeResult, course: Course) -> str:
    counts = [f"{number:>8,} {what}" for what, number in done.erased.items()]
    kept = [f"Kept, since they are also in another course: {', '.join(done.kept)}."] if done.kept else []
    return "\n".join([f"Personal data of {course} to erase:", *counts, *kept, "Scores, times and models are kept."])
