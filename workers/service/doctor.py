"""Checks of the service; each problem is a sentence that also says what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Sum
from django.db.models.functions import Now
from django.utils import timezone

from submissions.database import clock
from submissions.models import Duty, Quest, State, Submission, Worker
from submissions.queue import claims, statistics
from submissions.queue.worker_duty import why_off_duty
from workers.datasets import store

MISSED_ROUNDS = 3
LEAST_FREE_BYTES = 1 << 30
LEAST_FREE_SHARE = 0.03
MOST_CLOCK_SECONDS = 5
RECENTLY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Check:
    """A function that yields a sentence for each problem, and whether it needs a database."""

    find_problems: Callable[[], Iterator[str]]
    needs_database: bool


CHECKS: dict[str, Check] = {}
_FindProblems = Callable[[], Iterator[str]]


def check(*, needs_database: bool = True) -> Callable[[_FindProblems], _FindProblems]:
    def register(find_problems: _FindProblems) -> _FindProblems:
        CHECKS[find_problems.__name__] = Check(find_problems, needs_database)
        return find_problems

    return register


def examine() -> list[str]:
    """All problems, in the order of the checks. Without a database only the checks that need none are made."""
    problems = list(database())
    possible = [one for one in CHECKS.values() if not (problems and one.needs_database)]
    return problems + [problem for one in possible for problem in one.find_problems()]


def overdue_after() -> timedelta:
    """If the reaper has not run for this long, something is wrong with it or with beat."""
    return timedelta(seconds=MISSED_ROUNDS * settings.REAP_SECONDS)


def database() -> Iterator[str]:
    """The first check: without tables no other query works."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        yield f"The database cannot be reached ({str(error).strip()}): start it, or correct DATABASE_URL."
        return
    if pending:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in pending[:3])
        yield (
            f"The database is not at this version's tables ({len(pending)} migrations are missing: {names}"
            f"{' …' if len(pending) > 3 else ''}): run `manage.py migrate`."
        )


@check(needs_database=False)
def broker() -> Iterator[str]:
    try:
        with statistics.broker() as asked:
            asked.ping()
    except redis.RedisError as error:
        address = settings.REDIS_URL.rsplit("@", 1)[-1].removeprefix("redis://")
        yield (
            f"The broker at {address} cannot be reached ({error}): nothing new is trained until it is back. "
            "Start it, or correct REDIS_URL."
        )


@check(needs_database=False)
def disk() -> Iterator[str]:
    for what, folder in {"QUEST_HOME": Path(settings.QUEST_HOME), "the data home": store.data_home()}.items():
        if not folder.is_dir():
            continue
        space = shutil.disk_usage(folder)
        if space.free < min(LEAST_FREE_BYTES, LEAST_FREE_SHARE * space.total):
            yield f"The disk of {what} ({folder}) is nearly full: {space.free >> 20:,} MB are free. Make room there."


@check()
def workers() -> Iterator[str]:
    alive = set(Worker.objects.alive().values_list("device", flat=True))
    if not alive & {"cpu", "gpu"}:
        yield "No worker that trains is alive: start one with `make worker DEVICE=cpu`, or its systemd unit."
    elif "cpu" not in alive:
        yield "No CPU worker is alive: nearest neighbours and forests wait. Start one with `make worker DEVICE=cpu`."
    if "upkeep" not in alive:
        yield "No upkeep worker is alive, so lost runs are not given back to the queue: start quest-worker-upkeep."


@check()
def duty() -> Iterator[str]:
    """Workers that an instructor paused or drained, and perhaps forgot, or that paused themselves."""
    for worker in Worker.objects.alive().exclude(duty=Duty.ON):
        why = why_off_duty(worker)
        yield (
            f"Worker {worker.name} is {worker.duty} and takes no runs{f' ({why})' if why else ''}: "
            f"{'mend that, and ' if why else ''}resume it at the desk, under Queue."
        )


@check()
def gpu() -> Iterator[str]:
    waiting = Submission.objects.filter(state=State.QUEUED, device="gpu").count()
    if waiting and not Worker.objects.alive().filter(device="gpu").exists():
        yield (
            f"{_many(waiting, 'submission waits', 'submissions wait')} for a GPU, and no GPU worker is alive: start "
            "one with `make worker DEVICE=gpu`, or cancel them at the desk."
        )


@check()
def silence() -> Iterator[str]:
    """Workers that vanished without stopping, unless a worker of that name is back."""
    back = Worker.objects.alive().values("name")
    gone = Worker.objects.filter(stopped_at=None, last_seen_at__gte=clock.now() - RECENTLY)
    for worker in gone.exclude(pk__in=Worker.objects.alive().values("pk")).exclude(name__in=back):
        at = timezone.localtime(worker.last_seen_at)
        yield (
            f"Worker {worker.name} was last seen on {at:%d/%m at %H:%M:%S} and did not stop properly: check its "
            f"machine, {worker.host}."
        )


@check()
def versions() -> Iterator[str]:
    for worker in Worker.objects.alive().exclude(version=settings.QUEST_VERSION):
        yield (
            f"Worker {worker.name} runs version {worker.version}, and this is {settings.QUEST_VERSION}: install the "
            "same version on every machine and restart it."
        )


@check()
def beat() -> Iterator[str]:
    settled = Worker.objects.alive().filter(device="upkeep", started_at__lt=clock.now() - overdue_after())
    reaped = statistics.last_reap()
    if settled.exists() and (reaped is None or clock.now() - reaped > overdue_after()):
        ago = "at all" if reaped is None else f"since {timezone.localtime(reaped):%d/%m %H:%M:%S}"
        yield (
            f"The upkeep worker is alive and has not done its maintenance {ago}: beat is not running, or its "
            "messages do not arrive. Restart quest-beat."
        )


@check()
def leases() -> Iterator[str]:
    overdue = statistics.expired_leases().filter(lease_until__lt=Now() - overdue_after())
    if count := overdue.count():
        yield (
            f"{_many(count, 'run has lost its', 'runs have lost their')} worker and not been given back: "
            f"{_numbers(overdue)}. The reaper does that, so check beat and the upkeep worker."
        )


@check()
def idleness() -> Iterator[str]:
    """Submissions that have long been waiting although a slot is free for them."""
    for queue in statistics.queues(None):
        ids = claims.claimable(queue.name) if queue.free else []
        stuck = Submission.objects.filter(pk__in=ids, submitted_at__lt=clock.now() - 2 * overdue_after())
        if count := stuck.count():
            yield (
                f"{_many(count, 'submission waits', 'submissions wait')} on queue {queue.name} while "
                f"{_many(queue.free, 'slot is', 'slots are')} free: {_numbers(stuck)}. Restart that worker if it lasts."
            )


@check()
def data() -> Iterator[str]:
    for name in sorted({quest.dataset for quest in Quest.objects.accepting()}):
        if lacking := store.missing(name):
            yield (
                f"An open quest is on {name}, and {', '.join(lacking)} in {store.data_home() / name} is missing or "
                f"damaged: run `python -m workers.datasets.fetch {name}`."
            )


@check()
def clocks() -> Iterator[str]:
    ahead = (timezone.now() - clock.now()).total_seconds()
    if abs(ahead) > MOST_CLOCK_SECONDS:
        yield (
            f"This machine's clock is {abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'} the database's: "
            "let both follow a time server."
        )


def facts() -> Iterator[tuple[str, str]]:
    """Facts about this installation, for bug reports."""
    yield "version", settings.QUEST_VERSION
    yield "database", f"{connection.vendor}, {connection.settings_dict['NAME']}"
    alive = Worker.objects.alive().values("device").annotate(n=Count("pk"), slots=Sum("slots")).order_by("device")
    yield "workers", ", ".join(f"{row['device']}: {row['n']} with {row['slots']} slots" for row in alive) or "none"
    states = dict(Submission.objects.values_list("state").annotate(n=Count("pk")).order_by())
    yield "submissions", ", ".join(f"{states.get(state, 0)} {state.label}" for state in State)
    reaped = statistics.last_reap()
    yield "last maintenance", f"{timezone.localtime(reaped):%d/%m %H:%M:%S}" if reaped else "never"
    yield "data sets here", ", ".join(name for name in store.NAMES if not store.missing(name)) or "none"
    yield "free disk", f"{shutil.disk_usage(settings.QUEST_HOME).free / (1 << 30):,.1f} GB"


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _numbers(submissions: object) -> str:
    ids = [f"#{pk}" for pk in submissions.values_list("pk", flat=True).order_by("pk")[:6]]  # type: ignore[attr-defined]
    return ", ".join(ids[:5]) + (" …" if len(ids) > 5 else "")
