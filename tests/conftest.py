"""What every test gets: the cast, the data homes, real trainers, and the whole service where a test asks for it."""

import os

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.cast",
    "tests.data_homes",
    "tests.trainers",
    "tests.stack",
    "tests.postgres",
    "tests.client_ways",
]
# Property tests look at so many generated examples; `make quick` at a few.
settings.register_profile("thorough", max_examples=200, deadline=None)
settings.register_profile("quick", max_examples=25, deadline=None)
settings.load_profile("thorough")

# They take half a minute or more: begun last, one of them would leave the other core without work.
LONG_FILES = ("test_launcher", "test_every_page", "test_student", "test_instructor", "test_adding_a_family")

# They start processes, wait, or walk over the whole site: too long for the inner loop, though they train nothing.
SLOW_FILES = frozenset(
    {
        "test_api_paging", "test_api_throttle", "test_api_waiting", "test_archive", "test_backup", "test_bootstrap",
        "test_client_certificates", "test_datasets", "test_deploy", "test_desk_roles", "test_doctor", "test_hardware",
        "test_hidden", "test_layering", "test_logs", "test_races",
    }
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in SLOW_FILES:
            item.add_marker("slow")
    items.sort(key=lambda item: _turn(item.path.stem))
    if "TEST_DATABASE_URL" in os.environ:  # all else ran beside, and gives the same here
        others = [item for item in items if not _asks_a_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _asks_a_database(item)]


def _turn(file: str) -> int:
    return LONG_FILES.index(file) if file in LONG_FILES else len(LONG_FILES)


def _asks_a_database(item: pytest.Item) -> bool:
    asked = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db")) or "db" in asked or "transactional_db" in asked
