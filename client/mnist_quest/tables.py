"""Tables: a DataFrame if pandas is installed, otherwise a list with a readable repr."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

WIDEST = 60


class Rows(list[dict[str, Any]]):
    """Dictionaries with the same keys."""

    def __str__(self) -> str:
        if not self:
            return "(nothing yet)"
        table = [list(self[0]), *([cell_text(value) for value in row.values()] for row in self)]
        widths = [max(len(line[place]) for line in table) for place in range(len(table[0]))]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table)
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in (self[0] if self else {}))
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell_text(value))}</td>" for value in row.values()) + "</tr>"
            for row in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Lines(list[str]):
    """Lines of text."""

    def __str__(self) -> str:
        return "\n".join(self) or "(nothing yet)"

    __repr__ = __str__


def table(rows: Iterable[Mapping[str, Any]]) -> Any:
    """A pandas DataFrame if pandas is installed, otherwise Rows."""
    listed = Rows(dict(row) for row in rows)
    if find_spec("pandas") is None:
        return listed
    import pandas  # type: ignore[import-untyped, import-not-found, unused-ignore]

    return pandas.DataFrame(list(listed))


def board_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rank": row["rank"],
        "group": row["group"],
        "score": row["score"],
        "model": row["model"],
        "parameters": row["parameters"],
        "training_time": row["timing"]["train"],
        "scoring_time": row["timing"]["predict"],
        "device": row["device"],
        "hardware": row["hardware"],
        "submitted_at": row["submitted_at"],
        "run": row["submission"],
    }


def run_row(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run": data["id"],
        "state": data["state"],
        "score": data["score"],
        "model": " ".join(data["model"].split()),
        "training_time": (data["timing"] or {}).get("train"),
        "hardware": (data["hardware"] or {}).get("label"),
        "submitted_at": data["submitted_at"],
    }


def cell_text(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:.5f}" if isinstance(value, float) else str(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
