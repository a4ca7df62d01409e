"""The rows of the benchmark, with measurement and target, as a table and as `bench.json`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HEADINGS = ("measured", "ours", "peer", "takes", "ratio", "target", "limit", "× limit", "runs", "scaled from")
WIDTHS = (50, 9, 30, 8, 6, 15, 8, 7, 4, 21)
RIGHT = {"ours", "takes", "ratio", "limit", "× limit", "runs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target: at least this ratio of the peer's time to ours, or at most these seconds."""

    ratio: float | None = None
    seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {"ratio": self.ratio, "seconds": self.seconds}

    def __str__(self) -> str:
        return f"≥ {self.ratio:g}×" if self.ratio else f"≤ {format_seconds(self.seconds)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; times are medians over `runs`, in seconds.

    `limit_s` is the machine's limit (`tests.bench.limits`). `scaled` names the part from which a time was scaled up. A
    row about memory has `peak_bytes` and no seconds. A row about networks has the test accuracies of all runs.
    """

    name: str
    runs: int
    ours_s: float | None = None
    peer: str | None = None
    peer_s: float | None = None
    limit_s: float | None = None
    scaled: str = ""
    target: Target | None = None
    peak_bytes: int | None = None
    accuracies: Mapping[str, Sequence[float]] | None = None
    remark: str = ""

    @property
    def ratio(self) -> float | None:
        return self.peer_s / self.ours_s if self.peer_s and self.ours_s else None

    @property
    def verdict(self) -> str:
        """`met` or `missed`; empty without a target."""
        if self.target is None:
            return ""
        if self.target.ratio:
            return "met" if self.ratio and self.ratio >= self.target.ratio else "missed"
        return "met" if self.ours_s is not None and self.ours_s <= (self.target.seconds or 0) else "missed"

    def as_json(self) -> dict[str, Any]:
        row = {
            "name": self.name,
            "ours_s": rounded(self.ours_s),
            "peer": self.peer,
            "peer_s": rounded(self.peer_s),
            "ratio": rounded(self.ratio),
            "limit_s": rounded(self.limit_s),
            "runs": self.runs,
            "scaled": self.scaled or False,
            "target": self.target and self.target.as_json() | {"met": self.verdict == "met"},
            "remark": self.remark,
        }
        more = {"peak_bytes": self.peak_bytes, "accuracies": self.accuracies}
        return row | {name: value for name, value in more.items() if value is not None}

    def cells(self) -> tuple[str, ...]:
        ours = format_seconds(self.ours_s) if self.peak_bytes is None else f"{self.peak_bytes / 1e6:,.0f} MB"
        above = f"{self.ours_s / self.limit_s:.1f}" if self.ours_s and self.limit_s else ""
        ratio = f"{float(f'{self.ratio:.3g}'):,g}×" if self.ratio else ""
        target = f"{self.target} {self.verdict}" if self.target else ""
        limit = format_seconds(self.limit_s)
        found = (self.name, ours, self.peer or "", format_seconds(self.peer_s), ratio, target, limit, above)
        return (*found, str(self.runs), self.scaled)


def rounded(number: float | None) -> float | None:
    """To four significant digits; no measurement here is more exact."""
    return None if number is None else float(f"{number:.4g}")


def format_seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    decimals = 2 if seconds < 10 else 1 if seconds < 100 else 0
    return f"{seconds:,.{decimals}f} s"


def table_line(cells: tuple[str, ...]) -> str:
    """A line of a Markdown table, padded to columns."""
    placed = [
        cell.rjust(width) if heading in RIGHT else cell.ljust(width)
        for cell, width, heading in zip(cells, WIDTHS, HEADINGS, strict=True)
    ]
    return f"| {' | '.join(placed)} |"


def heading_lines() -> list[str]:
    rule = ["-" * (width - 1) + (":" if name in RIGHT else "-") for name, width in zip(HEADINGS, WIDTHS, strict=True)]
    return [table_line(HEADINGS), f"| {' | '.join(rule)} |"]


def print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass
class Report:
    """Prints each row when it is added and writes it to the file at once, so stopping the benchmark loses no row."""

    path: Path
    write_line: Callable[[str], None] = print_line
    rows: list[Row] = field(default_factory=list)

    def begin(self) -> None:
        for line in heading_lines():
            self.write_line(line)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.write_line(table_line(row.cells()))
        self._write()

    def end(self) -> None:
        for row in self.rows:
            if row.remark:
                self.write_line(f"{', '.join(filter(None, (row.name, row.peer)))}: {row.remark}")
        missed = sum(row.verdict == "missed" for row in self.rows)
        judged = sum(bool(row.verdict) for row in self.rows)
        self.write_line(f"{judged - missed} of {judged} targets met. Written to {self.path}.")

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.new")
        new.write_text(json.dumps([row.as_json() for row in self.rows], indent=1, ensure_ascii=False) + "\n")
        os.replace(new, self.path)
