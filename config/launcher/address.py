"""The address that the web process listens on, and the address that people use."""

from __future__ import annotations

import os
import socket
import sys

from config import environment
from config.launcher.instance import CannotStart


def listen_address() -> tuple[str, int]:
    """HOST and PORT. Raises CannotStart if nothing can listen there."""
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise CannotStart(f"PORT must be a number from 1 to 65535, not {port!r}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise CannotStart(
                f"Port {port} on {host} is unavailable ({error.strerror}): choose another, for example "
                f"PORT={int(port) % 65535 + 1} make {sys.argv[1]}."
            ) from None
    return host, int(port)


def site_name() -> str:
    """The first name in ALLOWED_HOSTS; empty if any name is allowed."""
    return next((name.lstrip(".") for name in environment.words("ALLOWED_HOSTS") if name != "*"), "")


def reachable_host(host: str) -> str:
    """HOST as it is written in a URL: a wildcard address becomes the loopback address."""
    return "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host


def public_url(host: str, port: int) -> str:
    """The site's URL for people: the proxy's address under https, otherwise our own."""
    name = site_name() or reachable_host(host)
    https = environment.flag("HTTPS", default=environment.flag("QUEST_PRODUCTION"))
    return f"https://{name}" if https else f"http://{name}:{port}"
