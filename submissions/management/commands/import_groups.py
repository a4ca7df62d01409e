"""`manage.py import_groups FILE.csv`: imports a class list, as the instructors' desk does."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from submissions.groups.class_list import ImportRefused
from submissions.groups.class_list_import import ImportResult, import_groups
from submissions.groups.login_slips import slips
from submissions.models import Course


class Command(BaseCommand):
    help = "Import groups and their members from a CSV file: group, username, name, student number."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", type=Path)
        parser.add_argument("--course", default="", help="Only needed if there are several current courses.")
        parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="The address of this site.")

    def handle(self, *, file: Path, course: str, base_url: str, **options: object) -> None:
        chosen = find_course(course)
        try:
            done = import_groups(course=chosen, content=file.read_bytes())
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except ImportRefused as error:
            raise CommandError(f"Nothing was imported.\n{error}") from error
        self.stdout.write(in_words(done, chosen))
        new = {user.pk for user in done.users}
        for slip in slips(chosen, base_url=base_url):
            if slip.user.pk in new:
                self.stdout.write(f"{slip.group}\t{slip.user.username}\t{slip.user.get_full_name()}\t{slip.link}")


def find_course(wanted: str) -> Course:
    """The current course called `wanted` (its name, or name and term); without a name the only current one."""
    current = list(Course.objects.current())
    found = [course for course in current if not wanted or wanted in (course.name, str(course))]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f'"{course}"' for course in current) or "none"
    raise CommandError(f"Choose a course with --course NAME. Current courses: {listed}.")


def in_words(done: ImportResult, course: Course) -> str:
    if not done.changed:
        return f"{course} is already up to date: nothing changed."
    moves = [f"{move.user.username} moved from {move.left} to {move.joined}." for move in done.moved]
    counts = (
        f"{course}: {len(done.groups)} new groups, {len(done.users)} new users, {len(done.joined)} joined a group, "
        f"{len(done.corrected)} names or numbers corrected."
    )
    return "\n".join([counts, *moves])
