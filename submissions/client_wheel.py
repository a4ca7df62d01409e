"""The notebook client as a wheel, built from its source beside the service: so it always matches."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from flit_core.wheel import make_wheel_in

# The oldest client whose requests this service still understands; raise it with a change that breaks one.
OLDEST_CLIENT = (0, 1, 0)
NAMED = re.compile(r"mnist-quest/(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Wheel:
    filename: str
    content: bytes

    @property
    def version(self) -> str:
        return self.filename.split("-")[1]


@cache
def wheel() -> Wheel:
    """Built once in a process: that takes milliseconds, and leaves no file to go stale."""
    with tempfile.TemporaryDirectory() as folder:
        built = make_wheel_in(settings.BASE_DIR / "client" / "pyproject.toml", Path(folder)).file
        return Wheel(built.name, built.read_bytes())


def is_too_old(user_agent: str) -> bool:
    """Whether this is a client that the service no longer understands; nobody else is one."""
    found = NAMED.match(user_agent[:60])
    return found is not None and tuple(map(int, found.groups())) < OLDEST_CLIENT
