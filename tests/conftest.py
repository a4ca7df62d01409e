"""What every test gets: the cast, the data homes, real trainers, and the whole service where a test asks for it."""

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
    "tests.client_ways",
    "tests.faults.table",
]
# Property tests look at so many generated examples; `make quick` at a few.
settings.register_profile("thorough", max_examples=100, deadline=None)
settings.register_profile("quick", max_examples=25, deadline=None)
settings.load_profile("thorough")

# Files that use the whole service stay in one process, so that it is started once.
ONE_PROCESS = "stack"


@cache
def marks_of(file: Path) -> frozenset[str]:
    """The markers in a file's `pytestmark`, read without importing the file."""
    marked = re.search(r"^pytestmark = (.+?)(?:\n\n|\Z)", file.read_text(), re.S | re.M)
    return frozenset(re.findall(r"mark\.(\w+)", marked[1])) if marked else frozenset()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file that `-m` leaves out as a whole is not imported: TensorFlow alone would take `make quick` 8 s."""
    if not collection_path.match("test_*.py"):
        return None
    left_out = set(re.findall(r"\bnot (\w+)", config.option.markexpr))
    return True if marks_of(collection_path) & left_out else None


def pytest_collection_finish() -> None:
    """What was imported stays: looking for garbage in it again and again takes a seventh of the small tests' time."""
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # The largest group first: begun last, it would leave the other process without work.
    items.sort(key=lambda item: not _uses_the_stack(item.path))
    if "TEST_DATABASE_URL" in os.environ:  # all else ran beside, and gives the same here
        others = [item for item in items if not _asks_a_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _asks_a_database(item)]


class ByService(LoadFileScheduling):
    """A file is never divided between processes, and those that use the whole service count as one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return ONE_PROCESS if _uses_the_stack(Path(file)) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return ByService(config, log) if config.getvalue("dist") == "loadfile" else None


def _uses_the_stack(path: Path) -> bool:
    return ONE_PROCESS in marks_of(path)


def _asks_a_database(item: pytest.Item) -> bool:
    asked = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db")) or "db" in asked or "transactional_db" in asked
