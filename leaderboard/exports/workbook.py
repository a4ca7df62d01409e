"""Tables as XLSX workbooks, written row by row. Text that somebody typed is never computed as a formula."""

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

LONGEST_TEXT = 32_767  # characters of a cell that the format allows
# Text that a spreadsheet takes for a formula, or for an error such as #N/A, when it is read or edited.
_FORMULA_LIKE = re.compile(r"\s*[=+\-@#]")
_WIDTHS = {"model": 48, "reason": 30, "hardware": 30, "quest": 24, "name": 24}
_TIME_WIDTH = 18


def workbook(records: Iterable[Mapping[str, Any]], columns: Sequence[str], title: str) -> IO[bytes]:
    """A temporary file with one sheet, deleted when closed. Times are naive, in the zone named in their row."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = _width(column)
    sheet.append([_heading(sheet, column) for column in columns])
    last = 1
    for last, record in enumerate(records, start=2):  # noqa: B007 - the last row number is used below
        sheet.append([_value(sheet, column, record[column]) for column in columns])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{last}"
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller reads and closes it
    book.save(file)
    file.seek(0)
    return file


def _heading(sheet: Any, column: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, column)
    cell.font = Font(bold=True)
    return cell


def _width(column: str) -> int:
    return _TIME_WIDTH if column.endswith("_at") else _WIDTHS.get(column, max(10, len(column) + 2))


def _value(sheet: Any, column: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    if column.endswith("_at"):
        return datetime.fromisoformat(value).replace(tzinfo=None) if value else None
    text = ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_TEXT]
    return _plain(sheet, text) if _FORMULA_LIKE.match(text) else text


def _plain(sheet: Any, text: str) -> WriteOnlyCell:
    """A cell that stays text, also after somebody edits it."""
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell
