"""`manage.py demo`: a course for trying the service, with five groups, an instructor and an open quest."""

from __future__ import annotations

import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand

from submissions.database.write_lock import writing
from submissions.models import DATASETS, ApiToken, Course, Group, Membership, Quest, QuestState, User

COURSE = "Machine learning"
TERM = "demo"
QUEST = "MNIST Search Quest"
GROUPS = [f"ITMALGrp{number:02d}" for number in range(1, 6)]
INSTRUCTOR = "instructor"
DAILY_QUOTA = 500

# Without letters and digits that look alike in print; 12 of them are 59 bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Login(NamedTuple):
    username: str
    password: str
    role: str
    token: str


class Command(BaseCommand):
    help = "Create the demo course, its groups, an instructor and the open quest; anything that exists is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dataset", choices=[name for name, _ in DATASETS], default="mnist")

    def handle(self, *, dataset: str, **options: object) -> None:
        path = Path(settings.QUEST_HOME) / "demo-logins.txt"
        with writing():
            course = create_quest(dataset)
            created = create_people(course)
            if created:
                # Within the transaction: without the file the passwords would be lost.
                write_logins(path, created, anew=len(created) == len(GROUPS) + 1)
        if created:
            self.stdout.write(as_table(created))
        self.stdout.write(f"Demo logins: {path}")


def create_quest(dataset: str) -> Course:
    course, _ = Course.objects.get_or_create(name=COURSE, term=TERM)
    Quest.objects.get_or_create(
        course=course,
        name=QUEST,
        defaults={"dataset": dataset, "state": QuestState.OPEN, "daily_quota": DAILY_QUOTA},
    )
    return course


def create_people(course: Course) -> list[Login]:
    """Create the missing groups and the instructor; returns only the new logins."""
    created = [create_member(course, name) for name in GROUPS if not _taken(name.lower())]
    if not _taken(INSTRUCTOR):
        password = new_password()
        user = User.objects.create_user(INSTRUCTOR, password=password, is_staff=True)
        created.append(Login(user.username, password, "instructor", _token(user, None)))
    return created


def create_member(course: Course, name: str) -> Login:
    """Create the group `name` with one member of the same name."""
    password = new_password()
    user = User.objects.create_user(name.lower(), password=password)
    group, _ = Group.objects.get_or_create(course=course, name=name)
    Membership.objects.create(user=user, group=group, course=course)
    return Login(user.username, password, name, _token(user, group))


def new_password() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def as_table(logins: list[Login]) -> str:
    heading = Login("username", "password", "group", "API token")
    return "\n".join(f"{row.username:<12} {row.password:<16} {row.role:<12} {row.token}" for row in [heading, *logins])


def write_logins(path: Path, logins: list[Login], *, anew: bool) -> None:
    """Write the logins to a file that only its owner can read; `anew` replaces logins of an earlier database."""
    path.parent.mkdir(parents=True, exist_ok=True)
    how = os.O_TRUNC if anew else os.O_APPEND
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600), "a") as file:
        os.fchmod(file.fileno(), 0o600)  # an existing file may have wider permissions
        file.write(as_table(logins) + "\n")


def _taken(username: str) -> bool:
    return User.objects.filter(username=username).exists()


def _token(user: User, group: Group | None) -> str:
    """Create an API token; returns the secret, of which only the digest is stored."""
    return ApiToken.objects.create(user=user, group=group, name="demo")[1]
