"""The import contracts of pyproject.toml: no module stands outside a layer, and no circle hides in a function."""

import subprocess
import sys
from pathlib import Path

from tests.stack import PROJECT

LINTER = Path(sys.executable).with_name("lint-imports")


def test_every_import_keeps_the_contracts():
    linted = subprocess.run([LINTER, "--no-cache"], cwd=PROJECT, capture_output=True, text=True)

    assert linted.returncode == 0, linted.stdout
