"""Imports groups and members from a class list: all or nothing, and repeatable without effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.groups.class_list import ClassListRow, ImportRefused, LineError, read_rows
from submissions.models import ApiToken, Course, Group, Membership, User


class Moved(NamedTuple):
    """A student whom the import moved to another group."""

    user: User
    left: Group
    joined: Group


@dataclass(slots=True)
class ImportResult:
    """The changes made by an import."""

    rows: int = 0
    groups: list[Group] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    joined: list[User] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    corrected: list[User] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.groups or self.users or self.joined or self.moved or self.corrected)


def import_groups(*, course: Course, content: bytes) -> ImportResult:
    """Create the groups and users listed in `content`, and put each user into their group.

    Users who are not in the list stay where they are. Raises ImportRefused, with nothing written, if any line is wrong.
    """
    rows, unreadable = read_rows(content)
    with writing():
        # Imports into one course wait for each other here, so that the rows read below stay valid.
        course = Course.objects.select_for_update().get(pk=course.pk)
        if course.archived:
            words = _("%(course)s is archived: its groups stay as they are.")
            raise ImportRefused(LineError(0, words % {"course": course}))
        listing = _Import(course, rows)
        if errors := sorted([*unreadable, *listing.errors()]):
            raise ImportRefused(*errors)
        return listing.carry_out()


class _Import:
    """An import: the course's current groups and members, and the rows to import."""

    def __init__(self, course: Course, rows: list[ClassListRow]) -> None:
        self.course = course
        self.rows = rows
        self.groups = {group.name.lower(): group for group in course.groups.all()}
        self.users = {user.username.lower(): user for user in User.objects.all()}
        self.memberships = {membership.user_id: membership for membership in course.memberships.select_related("group")}

    def errors(self) -> Iterator[LineError]:
        spelling = {name: group.name for name, group in self.groups.items()}
        seen: dict[str, int] = {}
        for row in self.rows:
            username = row.username.lower()
            first = seen.setdefault(username, row.line)
            if first != row.line:
                words = _("%(username)s is on line %(line)s already.")
                yield LineError(row.line, words % {"username": row.username, "line": first})
            known = spelling.setdefault(row.group.lower(), row.group)
            if known != row.group:
                words = _("The group %(group)s is written %(known)s elsewhere: write both alike.")
                yield LineError(row.line, words % {"group": row.group, "known": known})
            if username in self.users and self.users[username].is_staff:
                words = _("%(username)s is an instructor, who cannot be in a group.")
                yield LineError(row.line, words % {"username": row.username})
            yield from _field_errors(row, self.course)

    def carry_out(self) -> ImportResult:
        done = ImportResult(rows=len(self.rows))
        for row in self.rows:
            user = self._user(row, done)
            self._place(user, self._group(row, done), done)
        return done

    def _group(self, row: ClassListRow, done: ImportResult) -> Group:
        group = self.groups.get(row.group.lower())
        if group is None:
            group = self.groups[row.group.lower()] = Group.objects.create(course=self.course, name=row.group)
            done.groups.append(group)
        return group

    def _user(self, row: ClassListRow, done: ImportResult) -> User:
        user = self.users.get(row.username.lower())
        if user is None:
            user = _person(row)
            user.set_unusable_password()
            user.save()
            done.users.append(user)
        elif _update_person(user, row):
            user.save(update_fields=["first_name", "last_name", "student_number"])
            done.corrected.append(user)
        return user

    def _place(self, user: User, group: Group, done: ImportResult) -> None:
        membership = self.memberships.get(user.pk)
        if membership is None:
            Membership.objects.create(user=user, group=group, course=self.course)
            done.joined.append(user)
        elif membership.group_id != group.pk:
            done.moved.append(Moved(user, membership.group, group))
            # A token acts for one group. It must stop working when its owner leaves that group.
            ApiToken.objects.filter(user=user, group=membership.group).delete()
            membership.group = group
            membership.save(update_fields=["group"])


def _person(row: ClassListRow) -> User:
    first, _space, last = row.name.rpartition(" ")
    return User(username=row.username, first_name=first, last_name=last, student_number=row.student_number)


def _update_person(user: User, row: ClassListRow) -> bool:
    """Update name and student number from the file; returns whether anything changed."""
    before = (user.get_full_name(), user.student_number)
    named = _person(row)
    if row.name and row.name != user.get_full_name():
        user.first_name, user.last_name = named.first_name, named.last_name
    user.student_number = row.student_number or user.student_number
    return before != (user.get_full_name(), user.student_number)


def _field_errors(row: ClassListRow, course: Course) -> Iterator[LineError]:
    """Errors found by the models' own validation of this line."""
    yield from _line_errors(_person(row), "", row.line, exclude={"password"})
    yield from _line_errors(Group(course=course, name=row.group), "group", row.line, exclude={"course"})


def _line_errors(record: Model, called: str, line: int, *, exclude: set[str]) -> Iterator[LineError]:
    try:
        record.clean_fields(exclude=exclude)
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            yield LineError(line, f"{called or name.replace('_', ' ')}: {' '.join(messages)}")
