"""The folder that one running service owns, and the lock that keeps a second service out of it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BASE = Path(__file__).resolve().parents[2]


class CannotStart(Exception):
    """The service cannot start; the message says why, in one sentence."""


def prepare_home() -> Path:
    """Create QUEST_HOME (default: var/ in the project) and set the variable to its absolute path."""
    path = Path(os.environ.get("QUEST_HOME") or BASE / "var").resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"QUEST_HOME ({path}) is not writable: {error.strerror}.") from error
    os.environ["QUEST_HOME"] = str(path)
    return path


@contextmanager
def single_instance(home: Path) -> Iterator[None]:
    """Hold the lock of `home`. Raises CannotStart while another process holds it."""
    with open(home / "launcher.lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"The service already runs on {home}: stop it, or set another QUEST_HOME.") from None
        yield
