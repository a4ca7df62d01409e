"""The gate fails where a program that tests need is missing; `make test` skips those tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import programs
from tests.stack import PROJECT


@pytest.fixture
def nothing_installed(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "LIBRARIES", tmp_path)


@pytest.mark.usefixtures("nothing_installed")
def test_each_missing_package_is_named():
    assert programs.missing_packages() == ["chromium", "faketime", "postgresql"]


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("package", programs.PACKAGES)
def test_a_test_without_its_program_is_skipped_and_fails_in_the_gate(package, monkeypatch):
    monkeypatch.delenv(programs.REQUIRE, raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"apt install {package}"):
        programs.required(package)

    monkeypatch.setenv(programs.REQUIRE, "1")
    with pytest.raises(pytest.fail.Exception, match=f"apt install {package}"):
        programs.required(package)


def test_the_gate_ends_before_its_first_test_where_chromium_cannot_be_installed(tmp_path):
    """On a PATH with nothing but what the script itself calls: no apt-get, and no make either."""
    for command in ("dirname", "id"):
        (tmp_path / command).symlink_to(Path("/usr/bin") / command)
    (tmp_path / "python3").symlink_to(Path(sys.executable).resolve())

    gate = subprocess.run(
        ["/bin/bash", PROJECT / ".ci" / "run"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )

    assert gate.returncode == 1
    assert "could not be installed: chromium" in gate.stderr
    assert "make" not in gate.stdout
