"""What every test gets: the cast, the data homes, real trainers, and the whole service where a test asks for it."""

import gc
import os
import re
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

# What uses the whole service stays in one process, so that it is started once.
STACK_FOLDER, STACK_FILES = "browser", frozenset(
    {
        "test_api_waiting_served", "test_bench", "test_client_install", "test_doctor", "test_launcher", "test_logs",
        "test_main_job", "test_quickstart",
    }
)  # fmt: skip

# They start processes, wait, walk over the whole site, or tell of what an instructor or a second visit needs: too long
# for the inner loop, though they train nothing.
SLOW_FILES = frozenset(
    {
        "test_accounts", "test_add_group", "test_adding_an_engine", "test_api_conditional", "test_api_hostile",
        "test_api_paging", "test_api_same_as_form", "test_api_schema", "test_api_throttle", "test_api_waiting",
        "test_archive", "test_archived", "test_backup", "test_bootstrap", "test_charts_page", "test_client",
        "test_client_certificates", "test_client_command", "test_client_login", "test_client_notation",
        "test_client_runs", "test_datasets", "test_deadlines", "test_deploy",
        "test_desk_groups", "test_desk_ranking", "test_desk_roles", "test_desk_submissions", "test_desk_terms",
        "test_doctor", "test_every_address", "test_exports", "test_extensions", "test_fair_order",
        "test_finals", "test_freeze", "test_group_seen", "test_hardware", "test_hidden", "test_invitations",
        "test_layering", "test_logs", "test_movement", "test_network_form", "test_notation_hostile",
        "test_purge", "test_races", "test_reruns", "test_roles_pages", "test_wall", "test_zones",
    }
)  # fmt: skip


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file that `-m` leaves out as a whole is not imported: TensorFlow alone would take `make quick` 8 s."""
    if not collection_path.match("test_*.py"):
        return None
    marked = re.search(r"^pytestmark = (.+?)(?:\n\n|\Z)", collection_path.read_text(), re.S | re.M)
    marks = set(re.findall(r"mark\.(\w+)", marked[1])) if marked else set()
    if collection_path.stem in SLOW_FILES:
        marks.add("slow")
    return True if marks & set(re.findall(r"\bnot (\w+)", config.option.markexpr)) else None


def pytest_collection_finish() -> None:
    """What was imported stays: looking for garbage in it again and again takes a seventh of the small tests' time."""
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in SLOW_FILES:
            item.add_marker("slow")
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
        return "stack" if _uses_the_stack(Path(file)) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return ByService(config, log) if config.getvalue("dist") == "loadfile" else None


def _uses_the_stack(path: Path) -> bool:
    return path.parent.name == STACK_FOLDER or path.stem in STACK_FILES


def _asks_a_database(item: pytest.Item) -> bool:
    asked = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db")) or "db" in asked or "transactional_db" in asked
