"""The notebook client's wheel, built from the source next to the service so that the versions always match."""

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

# The oldest client version that this service supports. Raise it with every breaking change.
OLDEST_CLIENT = (0, 1, 0)
NAMED = re.compile(r"mnist-quest/(\d+)\.(\d+)\.(\d+)")


# The client's dependencies, fetched at installation, so that students need no package index.
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
    """The client's wheel. Built once per process, which takes milliseconds and leaves no file to go stale."""
    with tempfile.TemporaryDirectory() as folder:
        built = make_wheel_in(settings.BASE_DIR / "client" / "pyproject.toml", Path(folder)).file
        return Wheel(built.name, built.read_bytes())


@cache
def companions() -> list[Wheel]:
    """The wheels of the client's dependencies, all pure Python; empty if the service was installed without them."""
    return [Wheel(path.name, path.read_bytes()) for path in sorted(COMPANIONS.glob("*-py3-none-any.whl"))]


def is_too_old(user_agent: str) -> bool:
    """Whether the user agent is a notebook client that is too old. Other user agents never are."""
    found = NAMED.match(user_agent[:60])
    return found is not None and tuple(map(int, found.groups())) < OLDEST_CLIENT


def install_words(request: HttpRequest) -> str:
    """The arguments of `pip install`. The client page serves as the index if all dependencies are here."""
    if not companions():
        return request.build_absolute_uri(reverse("submissions:client_wheel", args=[wheel().filename]))
    page = request.build_absolute_uri(reverse("submissions:client"))
    # Over plain HTTP, pip trusts only localhost unless told otherwise.
    trusted = "" if request.is_secure() or _is_localhost(request) else f"--trusted-host {request.get_host()} "
    return f"--no-index {trusted}--find-links {page} mnist-quest"


def _is_localhost(request: HttpRequest) -> bool:
    return request.get_host().split(":")[0] in ("127.0.0.1", "localhost")
