"""Reads class lists: CSV files as written by spreadsheets and student registries."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext as _

MAX_BYTES = 1 << 20
COLUMNS = ("group", "username", "name", "student_number")
_HEADINGS = {
    "group": ("group", "group name", "team", "gruppe"),
    "username": ("username", "user", "user name", "login", "brugernavn"),
    "name": ("name", "full name", "student", "navn"),
    "student_number": ("student number", "student no", "student id", "number", "studienummer"),
}
_COLUMN_OF = {heading: column for column, headings in _HEADINGS.items() for heading in headings}


class LineError(NamedTuple):
    """An error in a line of the file; line 0 stands for the whole file."""

    line: int
    message: str

    def __str__(self) -> str:
        values = {"line": self.line, "message": self.message}
        return _("line %(line)s: %(message)s") % values if self.line else self.message


class ImportRefused(Exception):
    """Nothing is imported because of these errors."""

    def __init__(self, *errors: LineError) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassListRow:
    """One student, as given in the file."""

    line: int
    group: str
    username: str
    name: str = ""
    student_number: str = ""


class ClassList(NamedTuple):
    """The students in a file, and the errors in its other lines."""

    rows: list[ClassListRow]
    errors: list[LineError]


def read_rows(content: bytes) -> ClassList:
    """Read the students listed in `content`. Raises ImportRefused if lines and columns cannot be recognised.

    Accepts comma, semicolon or tab, and UTF-8 with or without byte order mark, UTF-16 with one, or cp1252. With a
    heading the columns may be in any order; without one they are group, username, name, student number.
    """
    lines = list(_lines(_decoded(content)))
    if not lines:
        raise ImportRefused(LineError(0, _("The file is empty; it needs a line for each student.")))
    columns = _heading(*lines[0])
    students = lines[1:] if columns else lines
    if not students:
        raise ImportRefused(LineError(0, _("The file has a header row but no students.")))
    read = [_row(line, cells, columns or COLUMNS) for line, cells in students]
    return ClassList(
        [row for row in read if isinstance(row, ClassListRow)], [row for row in read if isinstance(row, LineError)]
    )


def _decoded(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        words = _("The file is larger than %(most)s MB: this cannot be a class list.")
        raise ImportRefused(LineError(0, words % {"most": MAX_BYTES >> 20}))
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
    """The separator that occurs most often in the first line with text."""
    first = next((line for line in text.splitlines() if line.strip(" \t;,")), "")
    return max(";\t,", key=first.count)


def _heading(line: int, cells: list[str]) -> tuple[str, ...] | None:
    """The columns named in the first line; None if that line is a student."""
    columns = tuple(_COLUMN_OF.get(_normalised(cell), "") for cell in cells)
    named = [column for column in columns if column]
    if "group" not in named and "username" not in named:
        return None
    if twice := sorted({column for column in named if named.count(column) > 1}):
        words = _("The header row names the column %(column)s twice.")
        raise ImportRefused(LineError(line, words % {"column": _words(twice[0])}))
    if missing := [column for column in ("group", "username") if column not in named]:
        words = _("The header row has no column %(column)s.")
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


def _normalised(heading: str) -> str:
    return " ".join(heading.lower().replace("_", " ").replace("-", " ").split())


def _words(column: str) -> str:
    return column.replace("_", " ")
