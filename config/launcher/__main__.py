"""The command line of the launcher: `python -m config.launcher run | serve | worker cpu|gpu`.

Every process that it starts ends with it, however it ends: by Ctrl-C, by TERM, or killed.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from types import FrameType

from config import environment
from config.launcher import address, broker, service
from config.launcher.child_process import Child, RestartLimitReached
from config.launcher.instance import BASE, CannotStart, prepare_home, single_instance
from workers.processes.parent_death import die_with_parent

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequested(BaseException):
    """A signal asked the launcher to stop."""


def main() -> int:
    die_with_parent(by=signal.SIGTERM)
    for number in STOP_SIGNALS:
        signal.signal(number, _request_stop)
    children: list[Child] = []
    try:
        environment.check()
        if sys.argv[1] == "worker":
            run_worker(sys.argv[2])
        run(children, production=sys.argv[1] == "serve")
    except (CannotStart, environment.InvalidVariable, broker.BrokerUnavailable, RestartLimitReached) as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    except StopRequested:
        say("Stopping …")
        return 0
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        service.stop_all(children)
    return 0


def _request_stop(number: int, frame: FrameType | None) -> None:
    raise StopRequested


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(children: list[Child], *, production: bool) -> None:
    """Start the whole service and keep it running. Fills `children`, so that the caller can stop them."""
    home = prepare_home()
    (home / "static").mkdir(exist_ok=True)
    with single_instance(home):
        host, port = address.listen_address()
        if production:
            use_production_settings()
        os.environ.setdefault("QUEST_SOFT_SHUTDOWN_SECONDS", "5")
        service.start_broker(home, children)
        manage("migrate", "--verbosity", "0")
        logins = prepare_site(address.public_url(host, port), production=production)
        for child in service.service_children(host, port):
            children.append(child)
            child.start()
        service.wait_until_ready(children, host, port)
        say(f"Ready: http://{address.reachable_host(host)}:{port}")
        say(logins)
        service.keep_running(children)


def use_production_settings() -> None:
    secret = os.environ.get("SECRET_KEY", "")
    if len(secret) < 32:
        example = secrets.token_urlsafe(48)
        raise CannotStart(
            f"Set SECRET_KEY to at least 32 random characters, and keep it. For example: SECRET_KEY={example}"
        )
    if not os.environ.get("ALLOWED_HOSTS"):
        raise CannotStart("Set ALLOWED_HOSTS to the host names of this site, for example quest.example.edu.")
    os.environ["QUEST_PRODUCTION"] = "1"


def prepare_site(url: str, *, production: bool) -> str:
    """Fetch the data and create the first logins; returns the text that tells people how to log in."""
    if production:
        fetch_data()
        manage("collectstatic", "--noinput", "--verbosity", "0")
        return manage("invite_instructor", "--base-url", url)
    dataset = os.environ.get("QUEST_DEMO_DATASET") or "mnist"
    fetch_data(dataset, "digits")
    return manage("demo", "--dataset", dataset)


def manage(*arguments: str) -> str:
    """Run a management command and return its output. Raises CannotStart if it fails."""
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=BASE, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise CannotStart(f"`manage.py {' '.join(arguments)}` failed, see above; the service was not started.")
    return done.stdout.strip()


def fetch_data(*names: str) -> None:
    """Fetch these data sets, or those in QUEST_DATASETS."""
    if subprocess.run([sys.executable, "-m", "workers.datasets.fetch", *names], cwd=BASE).returncode:
        raise CannotStart("The data could not be fetched, see above; the service was not started.")


def run_worker(device: str) -> None:
    """Replace this process by one Celery worker, which then handles its signals itself."""
    if device not in ("cpu", "gpu"):
        raise CannotStart(f"DEVICE must be cpu or gpu, not {device!r}.")
    for name in ("DATABASE_URL", "REDIS_URL"):
        if not os.environ.get(name):
            raise CannotStart(f"Set {name}: a separate worker shares the service's database and broker.")
    prepare_home()
    broker.configured_url()
    fetch_data()
    child = service.celery_worker(device, service.cpu_slots() if device == "cpu" else 1)
    os.execve(child.command[0], list(child.command), {**os.environ, **child.env})


if __name__ == "__main__":
    sys.exit(main())
