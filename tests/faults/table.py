"""The fault table: for each fault and database what was measured, beside its criterion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from tests.stack import PROJECT

KEPT = PROJECT / "var" / "faults.json"
PROPERTY = "measured"


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement; `criterion` is in words, and empty where there is none."""

    fault: str
    database: str
    what: str
    measured: float
    unit: str
    criterion: str
    met: bool

    def __str__(self) -> str:
        sign = "" if self.met else "  NOT MET"
        held_to = f"  ({self.criterion})" if self.criterion else ""
        return f"{self.database:<9} {self.what}: {self.measured:g}{self.unit}{held_to}{sign}"


@dataclass(eq=False)
class Table:
    """A plugin, of the process that gathers what the others report."""

    lines: list[Line] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.lines += [
                Line(**kept) for name, kept in report.user_properties if name == PROPERTY and isinstance(kept, dict)
            ]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the whole table at the end, and keep it."""
        if self.lines:
            terminalreporter.section(f"fault table, kept in {KEPT.relative_to(PROJECT)}")
            for text in self.text():
                terminalreporter.write_line(text)
            self.keep()

    def text(self) -> Iterator[str]:
        """The lines below their faults, these in the order in which they were first met."""
        for fault in dict.fromkeys(line.fault for line in self.lines):
            yield fault
            yield from (f"    {line}" for line in self.lines if line.fault == fault)

    def keep(self, path: Path = KEPT) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps([asdict(line) for line in self.lines], indent=1, ensure_ascii=False) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Table())


def note(item: pytest.Item, line: Line) -> None:
    """Let the table have a line of what `item` measured."""
    item.user_properties.append((PROPERTY, asdict(line)))


def fault_of(item: pytest.Item) -> str:
    """What its `fault` marker says is broken; else the test's own name as a sentence."""
    named = next((mark.args[0] for mark in item.iter_markers("fault") if mark.args), "")
    return named or item.name.partition("[")[0].removeprefix("test_").replace("_", " ")
