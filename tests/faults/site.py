"""A service made of real processes that a test may break: a broker, Celery workers, beat and web.

The test's own process uses the same database, so it submits and reads rows directly.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import dj_database_url
import psutil
import redis
from celery import Celery
from django.conf import settings
from django.db import connections

from config.celery import app as service_app
from config.launcher import broker
from config.launcher.child_process import Child
from config.launcher.service import CELERY, celery_worker
from submissions.intake import submit as intake
from submissions.models import Attempt, Course, Exit, Group, Quest, QuestState, Score, State, Submission, User
from submissions.specs.families import family_named
from submissions.specs.spec import Spec
from tests.cast import person
from tests.stack import PROJECT, SERVICE_VARIABLES, until
from workers.processes.parent_death import die_with_parent

LEASE_SECONDS, REAP_SECONDS = 6, 2
ENDED = (State.SCORED, State.FAILED, State.TIMED_OUT, State.CANCELLED)


@dataclass
class ServiceProcess:
    """One process of the service, with its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def tree(self) -> list[psutil.Process]:
        """The process and all its descendants; empty once it has ended."""
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        return []

    def trainers(self) -> list[psutil.Process]:
        return [process for process in self.tree() if "workers.trainer" in _command(process)]

    def pool(self) -> list[psutil.Process]:
        """The worker's pool children, one for each slot."""
        return [process for process in self.tree()[1:] if "workers.trainer" not in _command(process)]

    def send(self, number: int) -> None:
        """Send a signal to the process and all its descendants."""
        for process in self.tree():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def kill(self) -> list[psutil.Process]:
        """kill -9 this process alone; returns the descendants that it had."""
        descendants = self.tree()[1:]
        self.process.kill()
        self.process.wait()
        return descendants

    def stop(self, within: float) -> float:
        """Send SIGTERM, as a deploy does; returns the seconds until the process ended."""
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout=within)
        return time.monotonic() - began


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@dataclass
class Site:
    home: Path
    data_home: Path
    database_url: str = ""
    port: int = field(default_factory=broker.free_port)
    env: dict[str, str] = field(default_factory=dict)
    processes: list[ServiceProcess] = field(default_factory=list)

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES}
        return clean | {
            "QUEST_HOME": str(self.home),
            "QUEST_DATA_HOME": str(self.data_home),
            "QUEST_FAMILIES": "tests.odd_families,tests.faults.no_warm_up",
            "QUEST_LEASE_SECONDS": str(LEASE_SECONDS),
            "QUEST_REAP_SECONDS": str(REAP_SECONDS),
            "QUEST_SOFT_SHUTDOWN_SECONDS": "3",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "TMPDIR": str(self.home),  # a killed worker leaves its temporary folder there
            "REDIS_URL": self.redis_url,
            **({"DATABASE_URL": self.database_url} if self.database_url else {}),
            **self.env,
        }

    def _start(self, name: str, command: list[str], env: dict[str, str] | None = None) -> ServiceProcess:
        log = self.home / f"{name}-{len(self.processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**self.environment, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(die_with_parent),
            )
        started = ServiceProcess(name, process, log)
        self.processes.append(started)
        return started

    def start_broker(self, *, empty: bool = False) -> ServiceProcess:
        """Start the broker on this site's port; with `empty`, its stored messages are deleted first."""
        folder = self.home / "broker"
        if empty:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)]
        options += ["--appendonly", "yes", "--save", "", "--loglevel", "warning"]
        started = self._start("broker", [broker.server_path(), *options])
        until(lambda: broker.responds(self.redis_url), seconds=20, what="the broker's first answer")
        return started

    def start_worker(
        self, queue: str = "cpu", *, slots: int = 1, app: str = "config.celery", **env: Any
    ) -> ServiceProcess:
        """Start a worker without waiting for it. `app` may name a module that changes the Celery application."""
        child: Child = celery_worker(queue, slots)
        name = f"{queue}{len(self.processes)}"
        command = [app if word == "config.celery" else word for word in child.command]
        return self._start(name, [*command, "-n", f"{name}@here", "-l", "INFO"], {**child.env, **env})

    def start_beat(self, **env: str) -> ServiceProcess:
        return self._start("beat", [*CELERY, "beat", "-l", "INFO", "--pidfile", ""], env)

    def start_web(self) -> str:
        """Start the web process; returns its URL."""
        port = broker.free_port()
        command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"]
        command += ["--worker-class", "gthread", "--workers", "2", "--threads", "8", "--log-level", "warning"]
        self._start("web", command, {"QUEST_FAMILIES": ""})
        return f"http://127.0.0.1:{port}"

    def start(self, *, workers: int = 1, slots: int = 1, **env: Any) -> list[ServiceProcess]:
        """Start broker, beat, the upkeep worker and the CPU workers, and wait for them; returns the CPU workers."""
        self.start_broker()
        upkeep = self.start_worker("upkeep", **env)
        cpu = [self.start_worker("cpu", slots=slots, **env) for _ in range(workers)]
        self.start_beat()
        for worker in (upkeep, *cpu):
            self.wait_until_ready(worker)
        return cpu

    def wait_until_ready(self, worker: ServiceProcess, *, within: float = 90) -> ServiceProcess:
        """Wait until the worker takes messages; returns it."""

        def ready() -> bool:
            assert worker.process.poll() is None, worker.output
            return " ready." in worker.output

        until(ready, seconds=within, what=f"{worker.name}'s readiness")
        return worker

    def end(self) -> None:
        for started in self.processes:
            with suppress(ProcessLookupError):
                started.send(signal.SIGCONT)
                started.send(signal.SIGKILL)
        for started in self.processes:
            started.process.wait(timeout=20)

    def queued_wake_ups(self, queue: str = "cpu") -> int:
        """The number of wake-ups in the broker that no worker has received."""
        with redis.Redis.from_url(self.redis_url) as client:
            return int(client.llen(queue))

    @property
    def quest(self) -> Quest:
        return Quest.objects.get(name="Digits quest")

    def set_quest(self, **changes: Any) -> None:
        Quest.objects.filter(pk=self.quest.pk).update(**changes)

    def member_of(self, number: int) -> tuple[User, Group]:
        """A member of the group with this number, and the group; the first call creates both."""
        name = f"ITMALGrp{number:02d}"
        group, new = Group.objects.get_or_create(course=self.quest.course, name=name)
        return (person(name.lower(), group) if new else User.objects.get(username=name.lower())), group

    def submit(self, does: str = "nothing", *, group: int = 1, **spec: Any) -> Submission:
        """Submit a model of the test-only family; `does` says how it misbehaves."""
        return self.submit_spec(odd_model(does, **spec), group=group)

    def submit_spec(self, spec: Spec, *, group: int = 1, engine: str = "", key: str | None = None) -> Submission:
        """Submit any model; two calls with the same `key` submit once."""
        user, team = self.member_of(group)
        return intake.submit(
            quest=self.quest, submitter=user, group=team, spec=spec, engine=engine, idempotency_key=key
        )[0]

    def wait(self, submission: Submission, *states: State, seconds: float = 60) -> Submission:
        """The submission once it is in one of `states`, or has ended."""

        def reached() -> Submission | None:
            now = Submission.objects.get(pk=submission.pk)
            return now if now.state in (states or ENDED) else None

        found: Submission = until(reached, seconds=seconds, what=f"{submission.pk} in {states or ENDED}")
        return found

    def wait_until_running(self, submission: Submission, *, attempt: int = 1, seconds: float = 60) -> Submission:
        """The submission, once a trainer has reported progress on this attempt."""
        current = submission.attempts.filter(number=attempt, ended_at=None)
        until(
            lambda: current.exclude(progress={}).exists(),
            seconds=seconds,
            what=f"attempt {attempt} at {submission.pk}; {self.history(submission)}",
        )
        return Submission.objects.get(pk=submission.pk)

    def exits(self, submission: Submission) -> list[str]:
        """How its attempts ended, in order; an empty string for one that is still running."""
        return list(submission.attempts.order_by("number").values_list("exit", flat=True))

    def history(self, submission: Submission) -> str:
        return "; ".join(f"{event.kind} by {event.actor}: {event.reason}" for event in submission.events.all())

    def scored_once(self, submission: Submission) -> bool:
        """Assert that there are one score, one scored attempt and one scored event, and that no attempt is open."""
        now = Submission.objects.get(pk=submission.pk)
        facts = (
            now.state,
            Score.objects.filter(submission=now).count(),
            self.exits(now).count(Exit.SCORED),
            now.events.filter(kind="scored").count(),
            now.attempts.filter(ended_at=None).count(),
        )
        assert facts == (State.SCORED, 1, 1, 1, 0), f"{facts}; {self.history(now)}"
        return True


def odd_model(does: str, **parameters: Any) -> Spec:
    """A spec of the test-only family; `does` says how it misbehaves."""
    return family_named("odd").spec(**{"does": does, **parameters})


def end_time_of(attempt: Attempt) -> datetime:
    """The end time of an attempt that must have ended."""
    assert attempt.ended_at
    return attempt.ended_at


def _wake_up_sender(url: str) -> Celery:
    sender = Celery("faults", broker=url, set_as_current=False)
    names = ("task_queues", "task_create_missing_queues", "task_publish_retry", "broker_transport_options")
    sender.conf.update({name: service_app.conf[name] for name in names})
    return sender


@contextmanager
def use_database_of(site: Site) -> Iterator[None]:
    """In every thread of this process, use the site's database and broker while the context lasts."""
    database = (
        dj_database_url.parse(site.database_url)
        if site.database_url
        else {**settings.DATABASES["default"], "NAME": str(site.home / "quest.sqlite3"), "TEST": {}}
    )
    usual, usual_connection = connections.settings["default"], connections["default"]
    connections.settings["default"] = connections.configure_settings({"default": database})["default"]
    connections["default"] = connections.create_connection("default")
    sender = _wake_up_sender(site.redis_url)
    sender.set_default()
    sender.set_current()
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"], connections["default"] = usual, usual_connection
        service_app.set_default()
        service_app.set_current()
        sender.close()


def create_open_quest() -> None:
    """A course with an open quest on digits, without a daily quota."""
    course = Course.objects.create(name="Machine learning", term="autumn 2026")
    Quest.objects.create(
        course=course, name="Digits quest", dataset="digits", state=QuestState.OPEN, daily_quota=None, group_limit=100
    )
