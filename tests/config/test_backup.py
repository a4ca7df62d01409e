"""Backup and restore: complete, on both databases, also while the service runs."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import sqlite3
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url
import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from config.launcher.instance import single_instance
from submissions.intake import submit as intake
from submissions.models import Course, Exit, Group, Hardware, Quest, QuestState, Score, State, Submission, User, Worker
from submissions.queue import leases
from submissions.specs.validation import validate
from tests.cast import KNN, claim_one, person, result_of
from tests.postgres import Cluster
from tests.stack import PROJECT

pytestmark = pytest.mark.slow


@contextmanager
def database(settings: dict[str, Any]) -> Iterator[None]:
    """Send all queries to another database."""
    usual, usual_connection = connections.settings["default"], connections["default"]
    connections.settings["default"] = connections.configure_settings({"default": settings})["default"]
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"], connections["default"] = usual, usual_connection


def sqlite(file: Path) -> dict[str, Any]:
    return {**django_settings.DATABASES["default"], "NAME": str(file), "TEST": {}}


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory, django_db_blocker) -> Path:
    """An SQLite file with all tables and no rows, to copy."""
    file = tmp_path_factory.mktemp("blank") / "quest.sqlite3"
    with django_db_blocker.unblock(), database(sqlite(file)):
        call_command("migrate", verbosity=0)
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")
    return file


@pytest.fixture
def home(tmp_path: Path, settings) -> Path:
    """QUEST_HOME."""
    settings.QUEST_HOME = tmp_path
    return tmp_path


@pytest.fixture
def on_sqlite(home: Path, blank: Path, django_db_blocker) -> Iterator[None]:
    shutil.copy(blank, home / "quest.sqlite3")
    with django_db_blocker.unblock(), database(sqlite(home / "quest.sqlite3")):
        yield


@pytest.fixture
def on_postgres(home: Path, postgres: Cluster, django_db_blocker) -> Iterator[None]:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{home.name}"')
    given = {**dj_database_url.parse(postgres.url(quote(home.name)))}
    with django_db_blocker.unblock(), database(given):
        call_command("migrate", verbosity=0)
        yield


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.fault)])
def course(request: pytest.FixtureRequest) -> Course:
    """A course with one group, on either database."""
    request.getfixturevalue(f"on_{request.param}")
    return create_course()


def create_course() -> Course:
    course = Course.objects.create(name="Machine learning", term="autumn 2026")
    Quest.objects.create(course=course, name="Digits quest", dataset="digits", state=QuestState.OPEN)
    person("owner", Group.objects.create(course=course, name="ITMALGrp01"))
    return course


def submit() -> Submission:
    owner, quest = User.objects.get(), Quest.objects.get()
    return intake.submit(quest=quest, submitter=owner, group=Group.objects.get(), spec=validate(KNN, dataset="digits"))[
        0
    ]


def worker() -> Worker:
    machine = Hardware.objects.create(key="k", cpu_model="AMD EPYC", cores=2, ram_bytes=1 << 30, os="Debian 12")
    return Worker.objects.create(name="cpu@lab7", host="lab7", pid=1, device="cpu", version="v", hardware=machine)


def stop_workers() -> None:
    Worker.objects.update(stopped_at=timezone.now())


def command(*arguments: str) -> list[str]:
    """The lines that the command prints."""
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue().splitlines()


def all_rows() -> list[dict[str, Any]]:
    output = io.StringIO()
    call_command("dumpdata", "submissions", "auth.group", stdout=output)
    rows: list[dict[str, Any]] = json.loads(output.getvalue())
    return rows


def test_a_restore_brings_the_backup_back_and_keeps_the_previous_data(course, home):
    submit()
    from_worker = worker()
    leases.record_score(claim_one(from_worker), result_of(350))
    stop_workers()
    before = all_rows()
    assert command("backup", str(home / "monday.tar.gz"))[0].startswith(
        f"{home / 'monday.tar.gz'}: 1 groups, 1 quests, 1 submissions, 1 scores, "
    )
    Group.objects.create(course=course, name="Latecomers")
    Score.objects.all().delete()

    _, aside = command("restore", str(home / "monday.tar.gz"))

    assert all_rows() == before
    command("restore", aside.removeprefix("The previous data is in ").removesuffix("."))
    assert Group.objects.filter(name="Latecomers").exists()
    assert not Score.objects.exists()


def test_a_run_that_the_backup_caught_is_queued_again_and_not_counted(course, home):
    submission = submit()
    claim_one(worker())
    command("backup", str(home / "monday.tar.gz"))
    stop_workers()

    command("restore", str(home / "monday.tar.gz"))

    submission.refresh_from_db()
    attempt = submission.attempts.get()
    assert (submission.state, attempt.exit, attempt.counted) == (State.QUEUED, Exit.DRAINED, False)
    assert submission.events.latest("pk").actor == "restore"
    assert not Worker.objects.alive().exists()


def test_a_restore_drops_the_tables_of_a_later_version(course, home):
    command("backup", str(home / "monday.tar.gz"))
    with connections["default"].cursor() as cursor:
        cursor.execute("CREATE TABLE submissions_medal (id integer)")

    command("restore", str(home / "monday.tar.gz"))

    assert "submissions_medal" not in connections["default"].introspection.table_names()


def test_a_backup_is_consistent_while_others_write(on_sqlite, home):
    """A thread writes the same name to two tables in one transaction: a backup must hold the same name in both."""
    create_course()
    Course.objects.update(name="0")
    Group.objects.update(name="0")
    ended = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(home / "quest.sqlite3", timeout=30)) as own:
            for number in itertools.count():
                if ended.is_set():
                    return
                with own:
                    for table in ("submissions_course", "submissions_group"):
                        own.execute(f"UPDATE {table} SET name = ?", [str(number)])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            command("backup", str(home / f"{number}.tar.gz"))
    finally:
        ended.set()
        writer.join()

    for number in range(5):
        with tarfile.open(home / f"{number}.tar.gz") as archive:
            archive.extract("quest.sqlite3", home / str(number), filter="data")
        with closing(sqlite3.connect(home / str(number) / "quest.sqlite3")) as copy:
            names = [copy.execute(f"SELECT name FROM submissions_{table}").fetchall() for table in ("course", "group")]
        assert names[0] == names[1]


@pytest.fixture
def monday(on_sqlite: None, home: Path) -> Path:
    command("backup", str(home / "monday.tar.gz"))
    return home / "monday.tar.gz"


def test_a_backup_is_private_and_holds_a_manifest_and_a_dump(monday):
    with tarfile.open(monday) as archive:
        assert archive.getnames() == ["manifest.json", "quest.sqlite3"]
    assert monday.stat().st_mode & 0o077 == 0


def test_a_backup_never_overwrites_a_file(monday):
    with pytest.raises(CommandError, match="already exists"):
        command("backup", str(monday))


def test_only_force_restores_while_the_service_runs(monday, home):
    with single_instance(home):
        with pytest.raises(CommandError, match="The service runs"):
            command("restore", str(monday))
        assert command("restore", "--force", str(monday))[0].startswith("Restored")


def test_a_live_worker_prevents_a_restore(monday):
    worker()

    with pytest.raises(CommandError, match="live workers: cpu@lab7"):
        command("restore", str(monday))


def test_a_deleted_database_is_restored(monday, home):
    connections["default"].close()
    for part in home.glob("quest.sqlite3*"):
        part.unlink()

    assert len(command("restore", str(monday))) == 1

    assert Group.objects.count() == 0


def test_an_unreadable_database_is_moved_aside(monday, home):
    connections["default"].close()
    (home / "quest.sqlite3").write_bytes(b"not a database" * 1000)

    _, aside = command("restore", str(monday))

    kept = Path(aside.removeprefix("The previous data is in ").removesuffix("."))
    assert kept.read_bytes().startswith(b"not a database")
    assert Group.objects.count() == 0


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("cut", "is not a complete backup"),
        ("other", "is not a complete backup"),
        ("absent", "There is no file"),
        ("changed", "checksum differs"),
        ("newer", "install that version first"),
        ("postgresql", "of postgresql, but the service uses sqlite"),
    ],
)
def test_an_invalid_backup_changes_nothing(monday, damage, words, home):
    create_course()

    with pytest.raises(CommandError, match=words):
        command("restore", str(_damaged(monday, damage, home / "spoilt")))

    assert Group.objects.count() == 1
    assert not list(home.glob("before-restore*"))


def _damaged(file: Path, damage: str, folder: Path) -> Path:
    folder.mkdir()
    if damage == "absent":
        return folder / "absent.tar.gz"
    if damage == "cut":
        (folder / "cut").write_bytes(file.read_bytes()[:5000])
        return folder / "cut"
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    if damage == "changed":
        shutil.copyfile(PROJECT / "manage.py", folder / "quest.sqlite3")
    manifest = json.loads((folder / "manifest.json").read_text())
    if damage == "newer":
        manifest["migrations"].append("submissions.9999_time_travel")
    if damage == "postgresql":
        manifest["database"] = "postgresql"
        (folder / "quest.sql").touch()
    (folder / "manifest.json").write_text("[]" if damage == "other" else json.dumps(manifest))
    with tarfile.open(folder / "spoilt.tar.gz", "w:gz") as archive:
        for name in ("manifest.json", "quest.sqlite3", "quest.sql"):
            if (folder / name).exists():
                archive.add(folder / name, name)
    return folder / "spoilt.tar.gz"
