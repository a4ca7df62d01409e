"""Which workers may serve: one of a name on a machine, and all of one version."""

from __future__ import annotations

import socket

import pytest

from submissions.models import Worker
from workers.probes import hardware
from workers.supervisor import registration


@pytest.fixture(autouse=True)
def fast_and_forgetful(monkeypatch):
    """Skips the slow detection of hardware, and forgets after the test which worker registered."""
    monkeypatch.setattr(hardware, "detected_cpu", lambda: {"model": "AMD EPYC 9B14", "instruction_sets": []})
    monkeypatch.setattr(hardware, "detected_gpus", lambda: ())
    monkeypatch.setattr(registration, "registered_worker", None)
    monkeypatch.setattr(registration.connections, "close_all", lambda: None)


@pytest.fixture
def another(worker, settings):
    """Creates the only live worker, of an older version and on another machine unless the test says otherwise."""

    def another(device: str, *, host: str = "elsewhere", version: str = "0.1") -> Worker:
        Worker.objects.all().delete()
        return Worker.objects.create(
            name=f"{device}@{host}", host=host, pid=7, device=device, version=version, hardware=worker.hardware
        )

    return another


def register(device: str) -> Worker:
    return registration.register(name=f"{device}@{socket.gethostname()}", device=device, slots=1)


def test_a_killed_worker_counts_as_stopped_once_its_successor_registers(db):
    former = register("cpu")
    register("gpu" if hardware.has_gpu() else "upkeep")
    latter = register("cpu")

    former.refresh_from_db()
    assert former.stopped_at is not None
    assert Worker.objects.filter(stopped_at=None).count() == 2
    assert Worker.objects.get(pk=latter.pk).stopped_at is None


def test_a_worker_of_another_version_than_the_service_is_refused(another):
    another("upkeep")

    with pytest.raises(registration.CannotServe, match=r"and the service runs 0\.1 \(upkeep@elsewhere on elsewhere\)"):
        register("cpu")
    assert Worker.objects.count() == 1


def test_without_an_upkeep_worker_the_other_machines_decide_the_version(another):
    another("cpu")

    with pytest.raises(registration.CannotServe, match="install the same version on every machine"):
        register("cpu")


def test_an_upkeep_worker_of_a_new_version_need_not_wait_for_every_machine(another):
    another("cpu")

    assert register("upkeep").device == "upkeep"


def test_workers_killed_here_at_a_deploy_do_not_keep_a_new_version_from_starting(another):
    another("upkeep", host=socket.gethostname())
    assert register("upkeep").device == "upkeep"

    another("cpu", host=socket.gethostname())
    assert register("cpu").device == "cpu"


def test_the_same_version_is_welcome(another, settings):
    another("upkeep", version=settings.QUEST_VERSION)

    assert register("cpu").device == "cpu"
