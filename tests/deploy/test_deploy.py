"""The deployment files, checked by the programs that read them on a server."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests.stack import PROJECT

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
UNITS = PROJECT / "deploy" / "systemd"
SECRETS = {"SECRET_KEY": "a" * 64, "POSTGRES_PASSWORD": "b" * 32, "REDIS_PASSWORD": "c" * 32}
GIVEN = {**SECRETS, "ALLOWED_HOSTS": "quest.example.edu"}
WORKERS = ("worker-upkeep", "worker-cpu", "worker-gpu")


def docker_compose(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [
        BIN / "docker-compose",
        "--project-directory",
        PROJECT,
        "--env-file",
        os.devnull,
        *arguments,
    ]
    bare = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(command, env={**bare, **environment}, capture_output=True, text=True, cwd=PROJECT)


@cache
def composed(*profiles: str) -> dict[str, Any]:
    """docker-compose.yml as Docker Compose reads it."""
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    done = docker_compose(*chosen, "config", **GIVEN)
    assert done.returncode == 0, done.stderr
    return dict(yaml.safe_load(done.stdout))


@cache
def unit(name: str) -> dict[str, list[str]]:
    """The values of each directive of a unit, in order."""
    values: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            directive, _, value = line.partition("=")
            values.setdefault(directive, []).append(value)
    return values


def container_command(service: str) -> str:
    """The command of a container: its service's command, else the CMD of its image's target."""
    described = composed("gpu")["services"][service]
    if described.get("command"):
        return shlex.join(described["command"])
    stage = (PROJECT / "Dockerfile").read_text().split(f" AS {described['build']['target']}\n")[1]
    found = re.search(r'^CMD \["sh", "-c", "(.*)"\]$', stage, re.MULTILINE)
    assert found
    return found[1]


def seconds(duration: str) -> int:
    return sum(int(number) * {"m": 60, "s": 1}[unit] for number, unit in re.findall(r"(\d+)([ms])", duration))


def test_compose_starts_every_part_except_the_gpu_worker():
    assert set(composed()["services"]) == {"web", "beat", "worker-upkeep", "worker-cpu", "postgres", "redis"}


def test_the_gpu_profile_adds_a_worker_with_a_reserved_gpu():
    reserved = composed("gpu")["services"]["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]

    assert [(device["driver"], device["capabilities"], device["count"]) for device in reserved] == [
        ("nvidia", ["gpu"], 1)
    ]


@pytest.mark.parametrize("missing", GIVEN)
def test_compose_has_no_default_for_a_secret(missing):
    done = docker_compose("config", **{name: value for name, value in GIVEN.items() if name != missing})

    assert done.returncode != 0
    assert f"required variable {missing} is missing" in done.stderr


def test_every_container_has_a_health_check_and_restarts():
    for name, service in composed("gpu")["services"].items():
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name


def test_every_image_is_named_with_a_tag():
    for name, service in composed("gpu")["services"].items():
        _, _, tag = service["image"].partition(":")
        assert tag, name
        assert "build" in service or tag != "latest", name


def test_the_cpu_worker_scales_to_eight(tmp_path):
    eight = tmp_path / "eight.yml"
    eight.write_text("services: {worker-cpu: {scale: 8}}")
    scaled = docker_compose("-f", str(PROJECT / "docker-compose.yml"), "-f", str(eight), "config", **GIVEN)

    assert scaled.returncode == 0, scaled.stderr  # it refuses eight of one container_name
    assert not {"container_name", "hostname", "ports"} & set(yaml.safe_load(scaled.stdout)["services"]["worker-cpu"])


def test_only_the_site_is_published_and_only_on_loopback():
    (port,) = composed()["services"]["web"]["ports"]

    assert port["host_ip"] == "127.0.0.1"
    assert all("ports" not in composed()["services"][name] for name in ("postgres", "redis"))


def test_redis_keeps_its_messages_and_asks_for_the_password():
    command = composed()["services"]["redis"]["command"]

    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--requirepass") + 1] == SECRETS["REDIS_PASSWORD"]


def test_databases_and_data_lie_on_named_volumes():
    services = composed("gpu")["services"]
    mounted = {(name, mount["source"]) for name in services for mount in services[name].get("volumes", [])}

    assert {("postgres", "postgres-data"), ("redis", "redis-data")} <= mounted
    assert {(name, "quest-data") for name in ("web", "worker-cpu", "worker-gpu")} <= mounted
    assert {source for _, source in mounted} <= set(composed("gpu")["volumes"])


def test_a_folder_of_idx_files_is_mounted_read_only():
    done = docker_compose("config", **GIVEN, QUEST_DATA="/srv/mnist")
    worker = yaml.safe_load(done.stdout)["services"]["worker-cpu"]
    (mount,) = [mount for mount in worker["volumes"] if mount["source"] == "/srv/mnist"]

    assert mount["type"] == "bind"
    assert mount["read_only"]
    assert mount["target"] == worker["environment"]["QUEST_DATA"]


def test_a_worker_waits_for_the_tables_and_the_broker():
    for name in WORKERS:
        waits = composed("gpu")["services"][name]["depends_on"]
        assert {on: how["condition"] for on, how in waits.items()} == {
            "web": "service_healthy",
            "redis": "service_healthy",
        }


def test_a_worker_may_take_longer_to_stop_than_its_runs():
    for name in WORKERS:
        assert seconds(composed("gpu")["services"][name]["stop_grace_period"]) > settings.SOFT_SHUTDOWN_SECONDS + 15
    for name in ("quest-worker-upkeep.service", "quest-worker@.service"):
        assert int(unit(name)["TimeoutStopSec"][0]) > settings.SOFT_SHUTDOWN_SECONDS + 15


def test_term_reaches_only_the_worker_and_means_the_soft_shutdown():
    for name in ("quest-worker-upkeep.service", "quest-worker@.service"):
        assert unit(name)["KillMode"] == ["mixed"], name
        assert "REMAP_SIGTERM=SIGQUIT" in " ".join(unit(name)["Environment"]), name
    assert "REMAP_SIGTERM=SIGQUIT" in (PROJECT / "Dockerfile").read_text()


def test_celery_reads_remap_sigterm_before_our_settings():
    """Units and images must set REMAP_SIGTERM: with Celery's command line, config/celery.py is imported too late."""
    late = "import celery.bin.celery, os; os.environ['REMAP_SIGTERM'] = 'SIGQUIT'; "
    look = "import celery.apps.worker as worker; print(worker.REMAP_SIGTERM)"
    bare = {name: value for name, value in os.environ.items() if name != "REMAP_SIGTERM"}

    assert subprocess.check_output([sys.executable, "-c", late + look], env=bare, text=True).strip() == "None"


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("web", "quest-web.service"),
        ("beat", "quest-beat.service"),
        ("worker-upkeep", "quest-worker-upkeep.service"),
        ("worker-cpu", "quest-worker@.service"),
        ("worker-gpu", "quest-worker@.service"),
    ],
)
def test_a_unit_and_its_container_run_the_same_command(service, name):
    in_container = shlex.split(container_command(service).split("exec ")[-1])
    started = unit(name)["ExecStart"][0].removeprefix("/opt/quest/.venv/bin/")
    on_host = started.replace("%%", "%").replace("%i", service.removeprefix("worker-"))

    assert shlex.split(_normalised(on_host)) == shlex.split(_normalised(shlex.join(in_container)))


def _normalised(command: str) -> str:
    """The command without its address, slots and health files, which differ between host and container."""
    bare = re.sub(r"--bind \S+|--worker-tmp-dir \S+|(?<=-c )\S+|-S \S+ -s \S+", "", command)
    return " ".join(bare.split())


def test_gunicorn_accepts_the_web_command():
    command = shlex.split(unit("quest-web.service")["ExecStart"][0].replace("${HOST}:${PORT}", "127.0.0.1:0"))
    command[0] = str(BIN / Path(command[0]).name)

    done = subprocess.run([*command, "--check-config"], cwd=PROJECT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("name", sorted(path.name for path in UNITS.iterdir()))
def test_systemd_verifies_the_unit(name, tmp_path):
    for path in UNITS.iterdir():
        (tmp_path / path.name).write_text(
            path.read_text().replace("/opt/quest/.venv/bin", str(BIN)).replace("/opt/quest", str(PROJECT))
        )
    instance = name.replace("@.", "@cpu.")
    done = subprocess.run(["systemd-analyze", "verify", f"./{instance}"], cwd=tmp_path, capture_output=True, text=True)

    complaints = [line for line in done.stderr.splitlines() if "quest" in line]
    assert (done.returncode, complaints) == (0, [])


def test_every_unit_belongs_to_the_target_and_restarts():
    for path in UNITS.glob("*.service"):
        assert unit(path.name)["PartOf"] == unit(path.name)["WantedBy"] == ["quest.target"]
        assert unit(path.name)["Restart"] == ["always"]
        assert unit(path.name)["User"] == ["quest"]


def test_hadolint_finds_nothing_in_the_dockerfile():
    done = subprocess.run([BIN / "hadolint", PROJECT / "Dockerfile"], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_web_image_has_no_machine_learning_and_no_image_runs_as_root():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    web = (PROJECT / "requirements" / "web.txt").read_text()

    assert re.search(r"-r /requirements/web.txt", dockerfile.split(" AS web-packages\n")[1].split("\nFROM")[0])
    assert not re.search(r"^(tensorflow|keras|scikit-learn|numpy)", web, re.MULTILINE)
    assert "USER 10001:10001" in dockerfile.split(" AS service\n")[1].split("\nFROM")[0]
    assert "USER root" not in dockerfile


def test_an_image_contains_every_folder_in_the_versions_hash():
    from config.version import HASHED_FOLDERS

    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    for part in HASHED_FOLDERS:
        assert f"COPY {part} {part}" in (PROJECT / "Dockerfile").read_text()
        assert f"!{part}" in ignored


@pytest.mark.parametrize("example", ["quest.env.example", "compose.env.example"])
def test_an_example_environment_contains_no_secret(example):
    lines = (PROJECT / "deploy" / example).read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))

    assert values["SECRET_KEY"] == ""
    assert values.get("POSTGRES_PASSWORD", "") == values.get("REDIS_PASSWORD", "") == ""


def test_quest_manage_runs_a_command_with_the_services_environment(tmp_path):
    environment = tmp_path / "quest.env"
    environment.write_text(f"SECRET_KEY={'k' * 40}\nALLOWED_HOSTS=quest.example.edu,localhost\nQUEST_HOME={tmp_path}\n")
    given = {"PATH": os.environ["PATH"], "QUEST_ENV": str(environment), "QUEST_PROJECT": str(tmp_path / "project")}
    (tmp_path / "project" / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "project" / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "project" / "manage.py").write_text(
        "import os, sys; print(sys.argv[1:], [os.environ[n] for n in ('ALLOWED_HOSTS', 'QUEST_PRODUCTION')])"
    )

    done = subprocess.run(
        [PROJECT / "deploy" / "quest-manage", "add_group", "a b"], env=given, capture_output=True, text=True
    )

    assert done.stdout.strip() == "['add_group', 'a b'] ['quest.example.edu,localhost', '1']", done.stderr


def test_quest_manage_without_its_environment_says_what_to_do(tmp_path):
    given = {"PATH": os.environ["PATH"], "QUEST_ENV": str(tmp_path / "nowhere.env")}
    done = subprocess.run([PROJECT / "deploy" / "quest-manage", "check"], env=given, capture_output=True, text=True)

    assert done.returncode == 1
    assert "sudo" in done.stderr
