"""Fixtures for every test, the files that `-m` leaves out, and how processes share the rest. See tests/README.md."""

import gc
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

pytest_plugins = [
    "tests.cast",
    "tests.data_homes",
    "tests.trainers",
    "tests.stack",
    "tests.postgres",
    "tests.notebook_client",
    "tests.faults.table",
]
# Generated examples of each property test: 100, in `make quick` 10.
settings.register_profile("thorough", max_examples=100, deadline=None)
settings.register_profile("quick", max_examples=10, deadline=None)
settings.load_profile("thorough")

# Files with this marker use one running service. They stay in one process, which starts it once.
STACK = "stack"
# With three processes or more, the browser's files, half of the long tests, have a service and a process of their own.
BROWSER = "browser"


@cache
def marks_of(file: Path) -> frozenset[str]:
    """The markers in a file's `pytestmark`, read without importing the file."""
    marked = re.search(r"^pytestmark = (.+?)(?:\n\n|\Z)", file.read_text(), re.S | re.M)
    return frozenset(re.findall(r"mark\.(\w+)", marked[1])) if marked else frozenset()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import a file that `-m` leaves out as a whole: TensorFlow alone would add 8 s to `make quick`."""
    if not collection_path.match("test_*.py"):
        return None
    left_out = set(re.findall(r"\bnot (\w+)", config.option.markexpr))
    return True if marks_of(collection_path) & left_out else None


def pytest_collection_finish() -> None:
    """Exempt what was imported from garbage collection, which otherwise takes a seventh of the small tests' time."""
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # The longest first: begun last, it would leave the other processes without work. A longer time limit means a longer
    # test; files on the running service make up the largest group.
    items.sort(key=lambda item: (STACK not in marks_of(item.path), -_time_limit(item)))
    if "TEST_DATABASE_URL" in os.environ:  # the other tests do not depend on the database
        others = [item for item in items if not _uses_the_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _uses_the_database(item)]


class ByService(LoadFileScheduling):
    """All tests of a file run in one process; so do all files that use the same running service."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        marks = marks_of(Path(file))
        if STACK not in marks:
            return file
        return BROWSER if BROWSER in marks and self.numnodes > 2 else STACK


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return ByService(config, log) if config.getvalue("dist") == "loadfile" else None


def _time_limit(item: pytest.Item) -> float:
    """Seconds, from the test's `timeout` marker; 0 for a test with the usual limit."""
    mark = item.get_closest_marker("timeout")
    return mark.args[0] if mark else 0


def _uses_the_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db")) or "db" in fixtures or "transactional_db" in fixtures
