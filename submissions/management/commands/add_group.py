"""`manage.py add_group NAME`: a group with one member, for trying things out or for a latecomer."""

from __future__ import annotations

import re
from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from submissions.database.write_lock import writing
from submissions.management.commands.demo import new_password
from submissions.models import ApiToken, Course, Group, Membership, User


class Command(BaseCommand):
    help = "Create a group with one member in the current course; login and token are shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the group's name, such as ITMALGrp09")
        parser.add_argument("--course", help="the course's name and term, where there are several current ones")
        parser.add_argument("--token", action="store_true", help="create an API token for the member as well")

    def handle(self, *, name: str, course: str | None, token: bool, **options: object) -> None:
        password = new_password()
        with writing():
            group = create_group(current_course(course), name.strip())
            user = create_member(group, password)
            secret = ApiToken.objects.create(user=user, group=group, name="first")[1] if token else ""
        self.stdout.write(f"Group:    {group} in {group.course}")
        self.stdout.write(f"Username: {user.username}")
        self.stdout.write(f"Password: {password}")
        if secret:
            self.stdout.write(f"Token:    {secret}")


def current_course(asked: str | None) -> Course:
    """The only current course, or the one `asked` for by its name, with or without its term."""
    courses = list(Course.objects.current())
    if asked is not None:
        courses = [course for course in courses if asked in (course.name, str(course))]
    listed = ", ".join(f'"{course}"' for course in Course.objects.current())
    if len(courses) == 1:
        return courses[0]
    if not listed:
        raise CommandError("There is no current course: create one at the instructors' desk, under Courses.")
    if not courses:
        raise CommandError(f'There is no current course "{asked}"; the current courses are: {listed}.')
    raise CommandError(f"There are several current courses; choose one with --course: {listed}.")


def create_group(course: Course, name: str) -> Group:
    if course.groups.filter(name__iexact=name).exists():
        raise CommandError(f"{course} has a group {name} already; its members create tokens on the group's page.")
    group = Group(course=course, name=name)
    try:
        group.full_clean()
    except ValidationError as error:
        raise CommandError(f"This cannot be a group's name: {' '.join(error.messages)}") from error
    group.save()
    return group


def create_member(group: Group, password: str) -> User:
    user = User.objects.create_user(free_username(group.name), password=password)
    Membership.objects.create(user=user, group=group, course=group.course)
    return user


def free_username(group_name: str) -> str:
    """A free username made from the group's name, with a number appended if that is taken."""
    plain = re.sub(r"[^\w.@+-]+", "-", group_name.lower()).strip("-") or "member"
    taken = {
        name.lower() for name in User.objects.filter(username__istartswith=plain).values_list("username", flat=True)
    }
    candidates = (plain, *(f"{plain}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in candidates if name not in taken)
