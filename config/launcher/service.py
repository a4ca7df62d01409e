"""The processes of the service: how each is started, how they are kept running, and how they stop."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from config import environment
from config.launcher import broker
from config.launcher.address import reachable_host, site_name
from config.launcher.child_process import Child
from config.launcher.instance import CannotStart

BROKER_START_S = 20.0
READY_S = 120.0
STOP_S = 10.0  # everything must be gone within 15 seconds
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"]


def start_broker(home: Path, children: list[Child]) -> None:
    """Use the broker that REDIS_URL names, or start one under `home`; sets REDIS_URL for the other processes."""
    url = broker.configured_url()
    if url is None:
        child, url = broker.local_broker(home)
        child.start()
        children.append(child)
        deadline = time.monotonic() + BROKER_START_S
        while not broker.responds(url):
            if not child.alive or time.monotonic() > deadline:
                raise CannotStart(f"The broker did not start; see {home / 'broker' / 'server.log'} for why.")
            time.sleep(0.05)
    os.environ["REDIS_URL"] = url


def service_children(host: str, port: int) -> list[Child]:
    """Web, beat and the workers; a GPU worker only if this machine has a GPU."""
    children = [
        web_server(host, port),
        celery_worker("upkeep", 1),
        celery_worker("cpu", cpu_slots()),
        Child("beat", [*CELERY, "beat", "-l", "WARNING", "--pidfile", ""]),
    ]
    return [*children, celery_worker("gpu", 1)] if has_gpu() else children


def web_server(host: str, port: int) -> Child:
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    web = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", bind, "--worker-class", "gthread"]
    threads = environment.number("QUEST_WEB_THREADS")
    web += ["--workers", "2", "--threads", str(threads), "--log-level", "warning", "--graceful-timeout", "5"]
    return Child("web", web)


def celery_worker(queue: str, concurrency: int) -> Child:
    name = f"{queue}@{socket.gethostname()}"
    options = ["-Q", queue, "-c", str(concurrency), "-n", name, "--pool", "prefork", "-l", "WARNING"]
    # Celery's own heartbeat is an event to the broker: a worker that leaves would wait for a dead broker to take its
    # last one.
    command = [*CELERY, "worker", *options, "--without-mingle", "--without-gossip", "--without-heartbeat"]
    # Celery reads REMAP_SIGTERM when it is imported. Its warning about root takes nine lines for each worker.
    env = {"REMAP_SIGTERM": "SIGQUIT", "PYTHONWARNINGS": "ignore:You're running the worker"}
    return Child(f"worker {queue}", command, env=env)


def cpu_slots() -> int:
    """QUEST_SLOTS, or the number that suits this machine."""
    from workers.supervisor.slots import usual_slots

    return environment.number("QUEST_SLOTS") or usual_slots()


def has_gpu() -> bool:
    from workers.probes.hardware import has_gpu

    return has_gpu()


def wait_until_ready(children: list[Child], host: str, port: int) -> None:
    """Wait for web, broker and a CPU worker. Raises CannotStart after READY_S."""
    request = urllib.request.Request(f"http://{reachable_host(host)}:{port}/readyz")
    if name := site_name():
        request.add_header("Host", name)
    deadline, missing = time.monotonic() + READY_S, ["web"]
    while missing:
        if time.monotonic() > deadline:
            raise CannotStart(f"Still missing after {READY_S:.0f} seconds: {', '.join(missing)}; see above for why.")
        for child in children:
            child.restart_if_ended()
        time.sleep(0.3)
        missing = _missing(request)


def _missing(request: urllib.request.Request) -> list[str]:
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return list(json.load(answer)["missing"])
    except urllib.error.HTTPError as answer:
        try:
            return list(json.load(answer)["missing"])
        except (ValueError, KeyError):
            return [f"web (it answers with status {answer.code})"]
    except (OSError, ValueError):
        return ["web"]


def keep_running(children: list[Child]) -> None:
    """Restart each process that ends, until a signal interrupts us."""
    while True:
        time.sleep(1)
        for child in children:
            child.restart_if_ended()


def stop_all(children: list[Child]) -> None:
    """Stop workers and web first, the broker last: a run that is released still sends a wake-up."""
    deadline = time.monotonic() + STOP_S
    first = [child for child in children if child.name != "broker"]
    for group in (first, [child for child in children if child.name == "broker"]):
        for child in group:
            child.terminate()
        for child in group:
            child.wait_or_kill(deadline - time.monotonic() + (2 if child.name == "broker" else 0))
