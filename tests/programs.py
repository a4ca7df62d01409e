"""Programs from Debian packages that some tests need, and how each is found.

`make test` skips the tests that need a missing program. `.ci/run` sets QUEST_REQUIRE, and then they fail instead.
`python3 -m tests.programs` prints the missing packages. It runs before anything is installed, so this module imports
nothing but the standard library.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

REQUIRE = "QUEST_REQUIRE"
LIBRARIES = Path("/usr/lib")


def chromium() -> Path | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((Path(found) for name in names if (found := shutil.which(name))), None)


def libfaketime() -> Path | None:
    """The library that faketime preloads; the tests preload it themselves."""
    return next(LIBRARIES.glob("*/faketime/libfaketime.so.1"), None)


def postgres_binaries() -> Path | None:
    """The folder with initdb and postgres. Debian leaves it out of PATH; of several versions the newest is taken."""
    found = shutil.which("initdb")
    installed = sorted((LIBRARIES / "postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    candidates = [Path(found).resolve()] if found else installed[::-1]
    return next((path.parent for path in candidates if (path.parent / "postgres").exists()), None)


# Debian package → how its program is found.
PACKAGES = {"chromium": chromium, "faketime": libfaketime, "postgresql": postgres_binaries}


def missing_packages() -> list[str]:
    return [package for package, find in PACKAGES.items() if find() is None]


def required(package: str) -> Path:
    """The path of the package's program. If it is missing, the running test is skipped, or fails with QUEST_REQUIRE."""
    return PACKAGES[package]() or _do_without(package)


def _do_without(package: str) -> NoReturn:
    import pytest

    sentence = f"This test needs {package}, which is not installed (apt install {package})."
    if os.environ.get(REQUIRE):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


if __name__ == "__main__":
    missing = missing_packages()
    sys.stdout.write(" ".join(missing))
    sys.exit(bool(missing))
