"""`manage.py doctor` says in sentences what is wrong, and what to do about it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.utils import timezone

from submissions.models import Submission, Worker
from submissions.queue import statistics
from tests.cast import claim_one
from tests.stack import PROJECT, SERVICE_VARIABLES
from workers.datasets import store
from workers.service import doctor

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LONG_AGO = timedelta(hours=1)


@pytest.fixture
def service(worker, settings, monkeypatch, digits_home):
    """A healthy service: a broker that answers, a CPU worker, and an upkeep worker that reaped just now."""
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    monkeypatch.setitem(doctor.CHECKS, "broker", doctor.Check(lambda: iter(()), needs_database=False))
    now = timezone.now()
    Worker.objects.update(version=settings.QUEST_VERSION, started_at=now - LONG_AGO)
    worker.refresh_from_db()
    upkeep = {"host": "here", "pid": 2, "device": "upkeep", "hardware": worker.hardware, "reaped_at": now}
    return Worker.objects.create(
        name="upkeep@here", version=settings.QUEST_VERSION, started_at=now - LONG_AGO, **upkeep
    )


def only(troubles: list[str]) -> str:
    assert len(troubles) == 1, troubles
    return troubles[0]


def test_a_healthy_service_has_no_problems(service, quest, capsys):
    call_command("doctor")

    output = capsys.readouterr().out
    assert output.startswith("Everything is working.\n")
    assert "workers: cpu: 1 with 2 slots, upkeep: 1 with 1 slots" in output
    assert "data sets here: digits" in output


def test_a_problem_makes_the_command_exit_with_1(service, capsys):
    Worker.objects.filter(device="cpu").update(stopped_at=timezone.now())

    with pytest.raises(SystemExit) as exit_:
        call_command("doctor")

    assert exit_.value.code == 1
    assert capsys.readouterr().out.startswith("- No worker that trains is alive")


def test_a_missing_upkeep_worker_is_a_problem(service):
    service.delete()

    assert "No upkeep worker is alive" in only(doctor.examine())


def test_a_gpu_worker_alone_leaves_the_cpu_queue_waiting(service):
    Worker.objects.filter(device="cpu").update(device="gpu")

    assert only(doctor.examine()).startswith("No CPU worker is alive")


def test_a_worker_that_was_paused_and_forgotten_is_named(service):
    Worker.objects.filter(device="cpu").update(duty="paused")

    assert only(doctor.examine()).endswith("is paused and takes no runs: resume it at the desk, under Queue.")


def test_a_broker_that_does_not_answer_is_named(db):
    output = only(list(doctor.broker()))

    assert output.startswith("The broker at 127.0.0.1:1/0 cannot be reached")


def test_submissions_for_a_missing_gpu_are_a_problem(service, submission):
    Submission.objects.filter(pk=submission.pk).update(device="gpu")

    assert "1 submission waits for a GPU, and no GPU worker is alive" in only(doctor.examine())


def test_a_worker_that_fell_silent_is_named_until_it_is_back(service, worker):
    since = timezone.now() - LONG_AGO
    lost = Worker.objects.create(
        name="cpu@lab7", host="lab7", pid=3, device="cpu", version="1", hardware=worker.hardware, last_seen_at=since
    )
    assert "Worker cpu@lab7 was last seen on" in only(doctor.examine())

    Worker.objects.filter(pk=worker.pk).update(name=lost.name)
    assert doctor.examine() == []


def test_a_worker_of_another_version_is_named(service, worker):
    Worker.objects.filter(pk=worker.pk).update(version="0.0.9")

    assert "Worker cpu@here runs version 0.0.9" in only(doctor.examine())


@pytest.mark.parametrize("reaped_at", [None, timezone.now() - LONG_AGO])
def test_a_beat_that_stopped_is_a_problem(service, reaped_at):
    Worker.objects.filter(pk=service.pk).update(reaped_at=reaped_at)

    assert "beat is not running" in only(doctor.examine())


def test_an_upkeep_worker_that_has_just_started_is_given_time(service):
    Worker.objects.filter(pk=service.pk).update(reaped_at=None, started_at=timezone.now())

    assert doctor.examine() == []


def test_expired_leases_that_were_not_released_are_named(service, submission, worker, settings):
    settings.LEASE_SECONDS = -3600
    claim_one(worker)

    assert f"lost its worker and not been given back: #{submission.pk}." in only(doctor.examine())


def test_submissions_that_wait_long_while_slots_are_free_are_named(service, submission):
    Submission.objects.filter(pk=submission.pk).update(submitted_at=timezone.now() - LONG_AGO)

    assert f"1 submission waits on queue cpu while 2 slots are free: #{submission.pk}." in only(doctor.examine())


def test_missing_or_damaged_data_of_an_open_quest_is_named(service, quest, tmp_path, monkeypatch):
    folder = tmp_path / "digits"
    shutil.copytree(store.data_home() / "digits", folder, ignore=shutil.ignore_patterns("*.json"))
    monkeypatch.setenv("QUEST_DATA_HOME", str(tmp_path))
    assert doctor.examine() == []

    (folder / "train-labels-idx1-ubyte").write_bytes(b"not these")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    output = only(doctor.examine())
    assert "train-labels-idx1-ubyte, t10k-labels-idx1-ubyte" in output
    assert output.endswith("run `python -m workers.datasets.fetch digits`.")


def test_a_disk_that_is_nearly_full_is_named(service, monkeypatch):
    full = SimpleNamespace(total=100 << 30, used=99 << 30, free=200 << 20)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: full)

    assert "The disk of QUEST_HOME" in doctor.examine()[0]
    assert "200 MB are free" in doctor.examine()[0]


def run_doctor(home, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES}
    command = [sys.executable, "manage.py", "doctor"]
    settings = {"QUEST_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings", **env}
    return subprocess.run(command, cwd=PROJECT, env=clean | settings, capture_output=True, text=True)


def test_without_tables_no_other_check_is_made(tmp_path):
    done = run_doctor(tmp_path)

    assert done.returncode == 1
    assert "run `manage.py migrate`" in done.stdout
    assert "worker" not in done.stdout


def test_without_a_database_it_still_reports(tmp_path):
    done = run_doctor(tmp_path, DATABASE_URL="postgres://quest:secret@127.0.0.1:1/quest")

    assert done.returncode == 1
    assert done.stdout.startswith("- The database cannot be reached")
    assert "secret" not in done.stdout
    assert done.stderr == ""


def test_queues_are_counted_without_the_broker(db):
    assert [queue.wakeups for queue in statistics.queues(None)] == [None, None]


@pytest.mark.trains
def test_it_finds_the_broker_that_the_launcher_started(stack):
    done = run_doctor(stack.home, QUEST_DATA_HOME=str(stack.home))

    assert "broker" not in done.stdout
    assert "No worker" not in done.stdout
    assert "An open quest is on digits" in done.stdout
