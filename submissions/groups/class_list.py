"""Reads a class list: CSV as spreadsheets and student registries write it."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext as _

MOST_BYTES = 1 << 20
COLUMNS = ("group", "username", "name", "student_number")
_HEADINGS = {
    "group": ("group", "group name", "team", "gruppe"),
    "username": ("username", "user", "user name", "login", "brugernavn"),
    "name": ("name", "full name", "student", "navn"),
    "student_number": ("student number", "student no", "student id", "number", "studienummer"),
}
_COLUMN_OF = {heading: column for column, headings in _HEADINGS.items() for heading in headings}


class LineError(NamedTuple):
    """What is wrong with a line of the file; line 0 is the file as a whole."""

    line: int
    message: str

    def __str__(self) -> str:
        told = {"line": self.line, "message": self.message}
        return _("line %(line)s: %(message)s") % told if self.line else self.message


class ImportRefused(Exception):
    """The file is not imported, not even in part, for the errors given by line."""

    def __init__(self, *errors: LineError) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassListRow:
    """One student of the list, as the file has it."""

    line: int
    group: str
    username: str
    name: str = ""
    student_number: str = ""


class ClassList(NamedTuple):
    """The students of a file, and what is wrong with the lines that are none."""

    rows: list[ClassListRow]
    errors: list[LineError]


def read_rows(content: bytes) -> ClassList:
    """The students that `content` lists. Raises ImportRefused if there is no making out lines and columns.

    Comma, semicolon or tab; UTF-8 with or without byte order mark, UTF-16 with one, or cp1252. A heading may give the
    columns in any order; without one they are group, username, name, student number.
    """
    lines = list(_lines(_decoded(content)))
    if not lines:
        raise ImportRefused(LineError(0, _("The file is empty: give a line for each student.")))
    columns = _heading(*lines[0])
    students = lines[1:] if columns else lines
    if not students:
        raise ImportRefused(LineError(0, _("The file has a heading but no students.")))
    read = [_row(line, cells, columns or COLUMNS) for line, cells in students]
    return ClassList(
        [row for row in read if isinstance(row, ClassListRow)], [row for row in read if isinstance(row, LineError)]
    )


def _decoded(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        words = _("The file is larger than %(most)s MB, which no class list is.")
        raise ImportRefused(LineError(0, words % {"most": MOST_BYTES >> 20}))
    by_mark = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    for encoding in (by_mark, "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ImportRefused(LineError(0, _("This is not a text file: save the list as CSV (UTF-8).")))


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) for each line that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True, skipinitialspace=True)
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield line, stripped
            line = reader.line_num + 1
    except csv.Error as error:
        words = _("The quotation marks do not match from here on (%(error)s).")
        raise ImportRefused(LineError(line, words % {"error": error})) from error


def _delimiter(text: str) -> str:
    """What the first line that says anything is divided by most often."""
    first = next((line for line in text.splitlines() if line.strip(" \t;,")), "")
    return max(";\t,", key=first.count)


def _heading(line: int, cells: list[str]) -> tuple[str, ...] | None:
    """The columns that the first line names; None if it is a student already."""
    columns = tuple(_COLUMN_OF.get(_plain(cell), "") for cell in cells)
    named = [column for column in columns if column]
    if "group" not in named and "username" not in named:
        return None
    if twice := sorted({column for column in named if named.count(column) > 1}):
        words = _("The heading names the column %(column)s twice.")
        raise ImportRefused(LineError(line, words % {"column": _words(twice[0])}))
    if missing := [column for column in ("group", "username") if column not in named]:
        words = _("The heading names no column %(column)s.")
        raise ImportRefused(LineError(line, words % {"column": missing[0]}))
    return columns


def _row(line: int, cells: list[str], columns: tuple[str, ...]) -> ClassListRow | LineError:
    if any(cells[len(columns) :]):
        words = _("There are %(cells)s cells where %(columns)s columns are expected.")
        return LineError(line, words % {"cells": len(cells), "columns": len(columns)})
    values = {column: cell for column, cell in zip(columns, cells, strict=False) if column}
    for column, value in values.items():
        if any(unicodedata.category(letter) == "Cc" for letter in value):
            words = _("The %(column)s has a line break or another control character in it.")
            return LineError(line, words % {"column": _words(column)})
    if missing := [column for column in ("group", "username") if not values.get(column)]:
        return LineError(line, _("The %(column)s is missing.") % {"column": missing[0]})
    return ClassListRow(line=line, **values)


def _plain(heading: str) -> str:
    return " ".join(heading.lower().replace("_", " ").replace("-", " ").split())


def _words(column: str) -> str:
    return column.replace("_", " ")
