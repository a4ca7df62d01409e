"""The notebook client as a wheel, built from its source beside the service: so it always matches."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from flit_core.wheel import make_wheel_in

# The oldest client whose requests this service still understands; raise it with a change that breaks one.
OLDEST_CLIENT = (0, 1, 0)
NAMED = re.compile(r"mnist-quest/(\d+)\.(\d+)\.(\d+)")


# What the client needs, fetched when the service was installed: so a student needs no package index.
COMPANIONS = Path(sys.prefix) / "share" / "client-wheels"


@dataclass(frozen=True, slots=True)
class Wheel:
    filename: str
    content: bytes

    @property
    def name(self) -> str:
        return self.filename.split("-")[0]

    @property
    def version(self) -> str:
        return self.filename.split("-")[1]


@cache
def wheel() -> Wheel:
    """Built once in a process: that takes milliseconds, and leaves no file to go stale."""
    with tempfile.TemporaryDirectory() as folder:
        built = make_wheel_in(settings.BASE_DIR / "client" / "pyproject.toml", Path(folder)).file
        return Wheel(built.name, built.read_bytes())


@cache
def companions() -> list[Wheel]:
    """The wheels that the client needs, all of pure Python; none if the service was installed without them."""
    return [Wheel(path.name, path.read_bytes()) for path in sorted(COMPANIONS.glob("*-py3-none-any.whl"))]


def is_too_old(user_agent: str) -> bool:
    """Whether this is a client that the service no longer understands; nobody else is one."""
    found = NAMED.match(user_agent[:60])
    return found is not None and tuple(map(int, found.groups())) < OLDEST_CLIENT


def install_words(request: HttpRequest) -> str:
    """What follows `pip install`: the page itself lists all that is needed, and no index is asked."""
    if not companions():
        return request.build_absolute_uri(reverse("submissions:client_wheel", args=[wheel().filename]))
    page = request.build_absolute_uri(reverse("submissions:client"))
    # pip follows links over plain http to its own machine only, or where it is told to.
    trusted = "" if request.is_secure() or _is_here(request) else f"--trusted-host {request.get_host()} "
    return f"--no-index {trusted}--find-links {page} mnist-quest"


def _is_here(request: HttpRequest) -> bool:
    return request.get_host().split(":")[0] in ("127.0.0.1", "localhost")
