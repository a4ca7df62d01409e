"""The fault table: the measurements for each fault and database, each beside its criterion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from tests.stack import PROJECT

TABLE_FILE = PROJECT / "var" / "faults.json"
PROPERTY = "measured"


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement. `criterion` is text, and empty if the measurement has no limit."""

    fault: str
    database: str
    what: str
    measured: float
    unit: str
    criterion: str
    met: bool

    def __str__(self) -> str:
        sign = "" if self.met else "  NOT MET"
        criterion = f"  ({self.criterion})" if self.criterion else ""
        return f"{self.database:<9} {self.what}: {self.measured:g}{self.unit}{criterion}{sign}"


@dataclass(eq=False)
class Table:
    """A pytest plugin. The main process collects the lines that the test processes report."""

    lines: list[Line] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.lines += [
                Line(**value) for name, value in report.user_properties if name == PROPERTY and isinstance(value, dict)
            ]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table at the end and save it."""
        if self.lines:
            terminalreporter.section(f"fault table, saved in {TABLE_FILE.relative_to(PROJECT)}")
            for text in self.text():
                terminalreporter.write_line(text)
            self.save()

    def text(self) -> Iterator[str]:
        """Each fault in order of first appearance, followed by its lines."""
        for fault in dict.fromkeys(line.fault for line in self.lines):
            yield fault
            yield from (f"    {line}" for line in self.lines if line.fault == fault)

    def save(self, path: Path = TABLE_FILE) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps([asdict(line) for line in self.lines], indent=1, ensure_ascii=False) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Table())


def add_line(item: pytest.Item, line: Line) -> None:
    """Attach a line to the report of the test `item`, for the table."""
    item.user_properties.append((PROPERTY, asdict(line)))


def fault_of(item: pytest.Item) -> str:
    """The argument of the test's `fault` marker; without one, the test's name as a sentence."""
    named = next((mark.args[0] for mark in item.iter_markers("fault") if mark.args), "")
    return named or item.name.partition("[")[0].removeprefix("test_").replace("_", " ")
