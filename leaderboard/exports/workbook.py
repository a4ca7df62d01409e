"""Tables as XLSX workbooks, written row by row. Nothing in them that somebody typed is computed."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

LONGEST_TEXT = 32_767  # of a cell, says the format
# What a spreadsheet takes for a formula, or an error such as #N/A, when it is read or typed over.
_TAKEN_FOR_MORE = re.compile(r"\s*[=+\-@#]")
_WIDTHS = {"model": 48, "reason": 30, "hardware": 30, "quest": 24, "name": 24}
_OF_A_TIME = 18


def workbook(records: Iterable[Mapping[str, Any]], columns: Sequence[str], title: str) -> IO[bytes]:
    """A file without a name, gone once it is closed, with one sheet. Times are naive, in the zone that a row names."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = _width(column)
    sheet.append([_heading(sheet, column) for column in columns])
    last = 1
    for last, record in enumerate(records, start=2):  # noqa: B007 - the number of the last row is wanted
        sheet.append([_value(sheet, column, record[column]) for column in columns])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{last}"
    file = tempfile.TemporaryFile()  # noqa: SIM115 - for the caller to read and to close
    book.save(file)
    file.seek(0)
    return file


def _heading(sheet: Any, column: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, column)
    cell.font = Font(bold=True)
    return cell


def _width(column: str) -> int:
    return _OF_A_TIME if column.endswith("_at") else _WIDTHS.get(column, max(10, len(column) + 2))


def _value(sheet: Any, column: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    if column.endswith("_at"):
        return datetime.fromisoformat(value).replace(tzinfo=None) if value else None
    text = ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_TEXT]
    return _plain(sheet, text) if _TAKEN_FOR_MORE.match(text) else text


def _plain(sheet: Any, text: str) -> WriteOnlyCell:
    """The text as text, also after somebody has edited the cell."""
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell
