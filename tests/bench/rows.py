"""The rows of the bench: what was measured, beside what it is to be; as a table, and as `bench.json`."""

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
    """At least this ratio of the peer's time to ours, or at most these seconds."""

    ratio: float | None = None
    seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {"ratio": self.ratio, "seconds": self.seconds}

    def __str__(self) -> str:
        return f"≥ {self.ratio:g}×" if self.ratio else f"≤ {shown(self.seconds)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: medians over `runs`, in seconds.

    `limit_s` is what the machine would need at its measured peak (`tests.bench.limits`); `scaled` says from which part
    a time was scaled up. A row about memory has `peak_bytes`, and no seconds; one about networks the test accuracies of
    all runs, ours and the peer's.
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
        """`met` or `missed`; nothing where there is no target."""
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
        ours = shown(self.ours_s) if self.peak_bytes is None else f"{self.peak_bytes / 1e6:,.0f} MB"
        above = f"{self.ours_s / self.limit_s:.1f}" if self.ours_s and self.limit_s else ""
        ratio = f"{float(f'{self.ratio:.3g}'):,g}×" if self.ratio else ""
        target = f"{self.target} {self.verdict}" if self.target else ""
        limit = shown(self.limit_s)
        found = (self.name, ours, self.peer or "", shown(self.peer_s), ratio, target, limit, above)
        return (*found, str(self.runs), self.scaled)


def rounded(number: float | None) -> float | None:
    """To four significant digits: no measurement here knows more."""
    return None if number is None else float(f"{number:.4g}")


def shown(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    decimals = 2 if seconds < 10 else 1 if seconds < 100 else 0
    return f"{seconds:,.{decimals}f} s"


def table_line(cells: tuple[str, ...]) -> str:
    """A line of a Markdown table, in columns for the eye."""
    placed = [
        cell.rjust(width) if heading in RIGHT else cell.ljust(width)
        for cell, width, heading in zip(cells, WIDTHS, HEADINGS, strict=True)
    ]
    return f"| {' | '.join(placed)} |"


def heading_lines() -> list[str]:
    rule = ["-" * (width - 1) + (":" if name in RIGHT else "-") for name, width in zip(HEADINGS, WIDTHS, strict=True)]
    return [table_line(HEADINGS), f"| {' | '.join(rule)} |"]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass
class Report:
    """Shows each row as it comes, and keeps the file up to date with it: who stops the bench keeps what there is."""

    path: Path
    tell: Callable[[str], None] = say
    rows: list[Row] = field(default_factory=list)

    def begin(self) -> None:
        for line in heading_lines():
            self.tell(line)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.tell(table_line(row.cells()))
        self._write()

    def end(self) -> None:
        for row in self.rows:
            if row.remark:
                self.tell(f"{', '.join(filter(None, (row.name, row.peer)))}: {row.remark}")
        missed = sum(row.verdict == "missed" for row in self.rows)
        judged = sum(bool(row.verdict) for row in self.rows)
        self.tell(f"{judged - missed} of {judged} targets met. Written to {self.path}.")

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.new")
        new.write_text(json.dumps([row.as_json() for row in self.rows], indent=1, ensure_ascii=False) + "\n")
        os.replace(new, self.path)
