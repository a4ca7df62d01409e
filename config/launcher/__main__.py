"""Starts the service and keeps it going: `python -m config.launcher run | serve | worker cpu|gpu`.

What is started ends with it, whichever way it ends: by Ctrl-C, by TERM, or killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from config import environment
from config.launcher import broker
from config.launcher.child_process import Child, GaveUp
from workers.processes.parent_death import die_with_parent

BASE = Path(__file__).resolve().parents[2]
READY_S = 120.0
LEAVE_S = 10.0  # everything is to be gone within 15 seconds
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"]


class CannotStart(Exception):
    """Why the service does not start, in one sentence."""


class Stopped(BaseException):
    """Somebody asked us to end."""


def say(sentence: str = "") -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def home() -> Path:
    path = Path(os.environ.get("QUEST_HOME") or BASE / "var").resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"QUEST_HOME ({path}) cannot be written: {error.strerror}.") from error
    os.environ["QUEST_HOME"] = str(path)
    return path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    with open(folder / "launcher.lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"The service already runs on {folder}: end it, or set another QUEST_HOME.") from None
        yield


def address() -> tuple[str, int]:
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise CannotStart(f"PORT is a number from 1 to 65535, not {port!r}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise CannotStart(
                f"Port {port} on {host} cannot be had ({error.strerror}): choose another, for example "
                f"PORT={int(port) % 65535 + 1} make {sys.argv[1]}."
            ) from None
    return host, int(port)


def command(*arguments: str) -> str:
    """What a management command prints; CannotStart if it fails."""
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=BASE, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise CannotStart(f"`manage.py {' '.join(arguments)}` failed, see above; nothing was started.")
    return done.stdout.strip()


def fetch(*names: str) -> None:
    if subprocess.run([sys.executable, "-m", "workers.datasets.fetch", *names], cwd=BASE).returncode:
        raise CannotStart("The data could not be fetched, see above; nothing was started.")


def slots() -> int:
    from workers.supervisor.slots import usual_slots

    return environment.number("QUEST_SLOTS") or usual_slots()


def celery_worker(queue: str, concurrency: int) -> Child:
    name = f"{queue}@{socket.gethostname()}"
    options = ["-Q", queue, "-c", str(concurrency), "-n", name, "--pool", "prefork", "-l", "WARNING"]
    # Celery's own heartbeat is an event to the broker: a worker that leaves would wait for a dead one to take the last.
    command = [*CELERY, "worker", *options, "--without-mingle", "--without-gossip", "--without-heartbeat"]
    # Celery reads REMAP_SIGTERM as it is imported; and its advice against root takes nine lines, once a worker.
    env = {"REMAP_SIGTERM": "SIGQUIT", "PYTHONWARNINGS": "ignore:You're running the worker"}
    return Child(f"worker {queue}", command, env=env)


def has_gpu() -> bool:
    from workers.probes.hardware import has_gpu

    return has_gpu()


def service(host: str, port: int) -> list[Child]:
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    web = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", bind, "--worker-class", "gthread"]
    threads = environment.number("QUEST_WEB_THREADS")
    web += ["--workers", "2", "--threads", str(threads), "--log-level", "warning", "--graceful-timeout", "5"]
    children = [
        Child("web", web),
        celery_worker("upkeep", 1),
        celery_worker("cpu", slots()),
        Child("beat", [*CELERY, "beat", "-l", "WARNING", "--pidfile", ""]),
    ]
    return [*children, celery_worker("gpu", 1)] if has_gpu() else children


def site_name() -> str:
    """The first name of ALLOWED_HOSTS that is one; empty where any will do."""
    return next((name.lstrip(".") for name in environment.words("ALLOWED_HOSTS") if name != "*"), "")


def reached_at(host: str) -> str:
    """HOST as an address to go to."""
    return "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host


def public_url(host: str, port: int) -> str:
    """Where people reach the site: behind https its proxy's address, else our own."""
    name = site_name() or reached_at(host)
    https = environment.flag("HTTPS", default=environment.flag("QUEST_PRODUCTION"))
    return f"https://{name}" if https else f"http://{name}:{port}"


def wait_until_ready(children: list[Child], host: str, port: int) -> None:
    """Until a submission would really be served: web, broker and a CPU worker."""
    shown = reached_at(host)
    request = urllib.request.Request(f"http://{shown}:{port}/readyz")
    if name := site_name():
        request.add_header("Host", name)
    deadline, missing = time.monotonic() + READY_S, ["web"]
    while missing:
        if time.monotonic() > deadline:
            raise CannotStart(f"After {READY_S:.0f} seconds there is still no {', '.join(missing)}; see above for why.")
        for child in children:
            child.revive()
        time.sleep(0.3)
        missing = _missing(request)
    say(f"Ready: http://{shown}:{port}")


def _missing(request: urllib.request.Request) -> list[str]:
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return list(json.load(answer)["missing"])
    except urllib.error.HTTPError as answer:
        try:
            return list(json.load(answer)["missing"])
        except (ValueError, KeyError):
            return [f"answer but {answer.code} from the web process"]
    except (OSError, ValueError):
        return ["web"]


def keep_going(children: list[Child]) -> None:
    while True:
        time.sleep(1)
        for child in children:
            child.revive()


def end(children: list[Child]) -> None:
    """Workers and web first, the broker last: a run that is given back still wants to wake someone."""
    deadline = time.monotonic() + LEAVE_S
    first = [child for child in children if child.name != "broker"]
    for group in (first, [child for child in children if child.name == "broker"]):
        for child in group:
            child.ask_to_leave()
        for child in group:
            child.end(deadline - time.monotonic() + (2 if child.name == "broker" else 0))


def start_broker(folder: Path, children: list[Child]) -> None:
    url = broker.given()
    if url is None:
        child, url = broker.own(folder)
        child.start()
        children.append(child)
        deadline = time.monotonic() + 20
        while not broker.answers(url):
            if not child.alive or time.monotonic() > deadline:
                raise CannotStart(f"The broker could not be started: {folder / 'broker' / 'server.log'} says why.")
            time.sleep(0.05)
    os.environ["REDIS_URL"] = url


def run(children: list[Child], *, production: bool) -> None:
    folder = home()
    (folder / "static").mkdir(exist_ok=True)
    with alone(folder):
        host, port = address()
        if production:
            production_settings()
        else:
            os.environ.setdefault("QUEST_SOFT_SHUTDOWN_SECONDS", "5")
        start_broker(folder, children)
        command("migrate", "--verbosity", "0")
        welcome = prepare(public_url(host, port), production=production)
        for child in service(host, port):
            children.append(child)
            child.start()
        wait_until_ready(children, host, port)
        say(welcome)
        keep_going(children)


def prepare(url: str, *, production: bool) -> str:
    """Data, and whoever logs in first, at `url`; what they are to be told."""
    if production:
        fetch()
        command("collectstatic", "--noinput", "--verbosity", "0")
        return command("invite_instructor", "--base-url", url)
    dataset = os.environ.get("QUEST_DEMO_DATASET") or "mnist"
    fetch(dataset, "digits")
    return command("demo", "--dataset", dataset)


def production_settings() -> None:
    secret = os.environ.get("SECRET_KEY", "")
    if len(secret) < 32:
        example = secrets.token_urlsafe(48)
        raise CannotStart(f"Set SECRET_KEY to at least 32 random characters, and keep it, such as SECRET_KEY={example}")
    if not os.environ.get("ALLOWED_HOSTS"):
        raise CannotStart("Set ALLOWED_HOSTS to the names that this site is reached by, for example quest.example.edu.")
    os.environ["QUEST_PRODUCTION"] = "1"
    os.environ.setdefault("QUEST_SOFT_SHUTDOWN_SECONDS", "5")


def worker(children: list[Child], device: str) -> None:
    """One worker, in place of this process: what signals it gets are its own affair."""
    if device not in ("cpu", "gpu"):
        raise CannotStart(f"DEVICE is cpu or gpu, not {device!r}.")
    for name in ("DATABASE_URL", "REDIS_URL"):
        if not os.environ.get(name):
            raise CannotStart(f"Set {name}: a worker alone shares the database and the broker of the service.")
    home()
    broker.given()
    fetch()
    child = celery_worker(device, slots() if device == "cpu" else 1)
    os.execve(child.command[0], list(child.command), {**os.environ, **child.env})


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def main() -> int:
    die_with_parent(by=signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    children: list[Child] = []
    try:
        environment.check()
        if sys.argv[1] == "worker":
            worker(children, sys.argv[2])
        run(children, production=sys.argv[1] == "serve")
    except (CannotStart, environment.WrongValue, broker.NoBroker, GaveUp) as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    except Stopped:
        say("Ending …")
        return 0
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        end(children)
    return 0


if __name__ == "__main__":
    sys.exit(main())
