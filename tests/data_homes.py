"""Fixtures: data homes that hold real data sets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workers.datasets import store

PROJECT = Path(__file__).resolve().parent.parent


def _fetched(home: Path, name: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUEST_DATA_HOME", str(home))
        store.ensure(name, progress=False)
    return home


@pytest.fixture(scope="session")
def digits_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary data home with digits."""
    return _fetched(tmp_path_factory.mktemp("data"), "digits")


@pytest.fixture(scope="session")
def mnist_home() -> Path:
    """A data home with MNIST that later tests reuse: QUEST_TEST_DATA, or else `var/data`."""
    return _fetched(Path(os.environ.get("QUEST_TEST_DATA") or PROJECT / "var" / "data"), "mnist")
