"""Fixtures: data homes with real data sets in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workers.datasets import store

PROJECT = Path(__file__).resolve().parent.parent


def _filled(home: Path, name: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUEST_DATA_HOME", str(home))
        store.ensure(name, progress=False)
    return home


@pytest.fixture(scope="session")
def digits_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home of the tests' own, holding digits."""
    return _filled(tmp_path_factory.mktemp("data"), "digits")


@pytest.fixture(scope="session")
def mnist_home() -> Path:
    """A data home that outlasts the tests, holding MNIST: QUEST_TEST_DATA, else `var/data`."""
    return _filled(Path(os.environ.get("QUEST_TEST_DATA") or PROJECT / "var" / "data"), "mnist")
