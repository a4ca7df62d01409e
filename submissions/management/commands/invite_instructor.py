"""`manage.py invite_instructor`: a one-time link for an instructor; `make serve` runs it at every start."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from submissions.database.write_lock import writing
from submissions.groups.login_slips import one_time_link
from submissions.models import User

FIRST = "instructor"


class Command(BaseCommand):
    help = "Print a one-time link for the first instructor, or for one more with --username NAME."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", default="", help="A new instructor, or one without a password.")
        parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="The address of this site.")

    def handle(self, *, username: str, base_url: str, **options: object) -> None:
        with writing():
            user = invited(username)
        if user.has_usable_password():
            self.stdout.write(f"There is already an instructor, {user.username}; --username NAME invites another.")
            return
        self.stdout.write(f"{user.username} can set a password, once, at {one_time_link(user, base_url=base_url)}")


def invited(username: str) -> User:
    """The instructor `username`, created if needed; without a name an instructor who can log in, or the first."""
    if not username:
        instructors = list(User.objects.filter(is_staff=True, is_active=True).order_by("pk"))
        ready = [user for user in instructors if user.has_usable_password()]
        if instructors:
            return (ready or instructors)[0]
    user = User.objects.filter(username__iexact=username or FIRST).first()
    if user is None:
        return _new_instructor(username or FIRST)
    if not user.is_staff:
        raise CommandError(f"{user.username} is a student's login: choose another name with --username.")
    return user


def _new_instructor(username: str) -> User:
    user = User(username=username, is_staff=True)
    user.set_unusable_password()
    try:
        user.full_clean()
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    user.save()
    return user
