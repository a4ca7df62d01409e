"""deploy/bootstrap.py: which Python and packages it takes, and its errors."""

import runpy
import subprocess
import sys

import pytest

from tests.stack import PROJECT

pytestmark = pytest.mark.slow

SCRIPT = PROJECT / "deploy" / "bootstrap.py"


def bootstrap(code: str, *, path: str = "") -> subprocess.CompletedProcess[str]:
    """Run `code` in the script's own namespace, in a process of its own."""
    program = f"import runpy; b = runpy.run_path({str(SCRIPT)!r}); {code}"
    return subprocess.run([sys.executable, "-c", program], env={"PATH": path}, capture_output=True, text=True)


def test_an_unsuitable_python_is_reported_with_a_remedy():
    done = bootstrap("b['find_python'].__globals__.update(NEEDED=(9, 0), NOT_YET=(9, 1)); b['find_python']()")

    assert done.returncode == 1
    assert f"this is {sys.version_info[0]}.{sys.version_info[1]}" in done.stderr
    assert "apt install python3" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_python_without_venv_is_reported_with_a_remedy(tmp_path):
    bare = tmp_path / "python3"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)

    done = bootstrap(f"b['make_venv']({str(bare)!r})")

    assert done.returncode == 1
    message = f"This Python ({bare}) cannot create virtual environments: on Debian, apt install python3-venv."
    assert message in done.stderr


@pytest.mark.parametrize("lock", ["local", "dev", "web", "worker", "gpu", "local-gpu", "client"])
def test_every_lock_file_has_hashes_and_no_address(lock):
    text = (SCRIPT.parent.parent / "requirements" / f"{lock}.txt").read_text()

    assert "://" not in text
    pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert pins
    assert all("==" in pin for pin in pins)
    assert text.count("--hash=sha256:") >= len(pins)


def test_each_lock_contains_the_pins_of_the_smaller_one():
    def pins(lock: str) -> set[str]:
        text = (SCRIPT.parent.parent / "requirements" / f"{lock}.txt").read_text()
        return {line.split()[0] for line in text.splitlines() if "==" in line}

    assert pins("web") <= pins("worker") <= pins("local") <= pins("dev")


def test_the_table_of_contained_locks_names_real_locks():
    contains = runpy.run_path(str(SCRIPT))["CONTAINS"]

    assert all((SCRIPT.parent.parent / "requirements" / f"{lock}.txt").exists() for lock in contains)
