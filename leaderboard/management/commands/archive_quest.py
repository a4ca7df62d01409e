"""`manage.py archive_quest QUEST [FILE.zip]`: write a quest's archive, the same as the desk's, to a file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from leaderboard.archive.zip import archive
from leaderboard.exports.tables import file_name
from submissions.models import Quest


class Command(BaseCommand):
    help = "Write a finished quest as a zip of plain pages, charts and data that works without a server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("quest", help="the quest's number or name")
        parser.add_argument(
            "file", nargs="?", type=Path, metavar="FILE.zip", help="default: a name from the quest and the day"
        )

    def handle(self, *, quest: str, file: Path | None, **options: object) -> None:
        chosen = find_quest(quest)
        if not chosen.is_revealed:
            raise CommandError(f"{chosen} has not been revealed yet: its archive comes after.")
        target = file or Path(f"{file_name('archive', chosen)}.zip")
        try:
            write(chosen, target)
        except FileExistsError as error:
            raise CommandError(f"{target} is there already, and is not written over.") from error
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{target}: {chosen} of {chosen.course}, {target.stat().st_size / 1e6:,.1f} MB.")


def write(quest: Quest, target: Path) -> None:
    """The whole archive, or no file."""
    with target.open("xb") as into:
        try:
            into.writelines(archive(quest))
        except BaseException:
            target.unlink()
            raise


def find_quest(wanted: str) -> Quest:
    """The quest with that number or name; CommandError with a list if there are none or several."""
    quests = list(Quest.objects.select_related("course").order_by("pk"))
    found = [quest for quest in quests if wanted in (str(quest.pk), quest.name)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f'{quest.pk} ("{quest}" of {quest.course})' for quest in found or quests) or "none"
    raise CommandError(f"Say which quest by its number: there is {listed}.")
