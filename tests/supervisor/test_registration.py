"""Who may serve: one worker of a name on a machine, all of one version."""

from __future__ import annotations

import socket

import pytest

from submissions.models import Worker
from workers.probes import hardware
from workers.supervisor import registration


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """No second is taken to look at this machine, and what says hello is forgotten afterwards."""
    monkeypatch.setattr(hardware, "_cpu", lambda: {"model": "AMD EPYC 9B14", "instruction_sets": []})
    monkeypatch.setattr(hardware, "_gpus", lambda: ())
    monkeypatch.setattr(registration, "_worker", None)
    monkeypatch.setattr(registration.connections, "close_all", lambda: None)


@pytest.fixture
def another(worker, settings):
    """A live worker of the version before, somewhere else unless told otherwise."""

    def another(device: str, *, host: str = "elsewhere", version: str = "0.1") -> Worker:
        Worker.objects.all().delete()
        return Worker.objects.create(
            name=f"{device}@{host}", host=host, pid=7, device=device, version=version, hardware=worker.hardware
        )

    return another


def say_hello(device: str) -> Worker:
    return registration.register(name=f"{device}@{socket.gethostname()}", device=device, slots=1)


def test_a_worker_that_was_killed_is_over_when_its_successor_says_hello(db):
    former = say_hello("cpu")
    say_hello("gpu" if hardware.has_gpu() else "upkeep")
    latter = say_hello("cpu")

    former.refresh_from_db()
    assert former.stopped_at is not None
    assert Worker.objects.filter(stopped_at=None).count() == 2
    assert Worker.objects.get(pk=latter.pk).stopped_at is None


def test_a_worker_of_another_version_than_the_service_is_refused(another):
    another("upkeep")

    with pytest.raises(registration.CannotServe, match=r"and the service runs 0\.1 \(upkeep@elsewhere on elsewhere\)"):
        say_hello("cpu")
    assert Worker.objects.count() == 1


def test_without_an_upkeep_worker_the_other_machines_tell_the_version(another):
    another("cpu")

    with pytest.raises(registration.CannotServe, match="install the same version on every machine"):
        say_hello("cpu")


def test_an_upkeep_worker_of_a_new_version_need_not_wait_for_every_machine(another):
    another("cpu")

    assert say_hello("upkeep").device == "upkeep"


def test_what_was_killed_here_at_a_deploy_keeps_no_new_version_from_starting(another):
    another("upkeep", host=socket.gethostname())
    assert say_hello("upkeep").device == "upkeep"

    another("cpu", host=socket.gethostname())
    assert say_hello("cpu").device == "cpu"


def test_the_same_version_is_welcome(another, settings):
    another("upkeep", version=settings.QUEST_VERSION)

    assert say_hello("cpu").device == "cpu"
