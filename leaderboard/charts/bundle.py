"""Vega for the browser, as the module that vl-convert carries: made once a version, then served as a file.

`python -m leaderboard.charts.bundle FILE` makes it, in a process of its own as it takes some seconds and 200 MB.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

PATIENCE_SECONDS = 9.0
_PROJECT = Path(__file__).resolve().parent.parent.parent
_turn = threading.Lock()


@cache
def bundle_version() -> str:
    return version("vl-convert-python")


def bundle_file(home: Path) -> Path | None:
    """The gzipped module under `home`; None while it is still being made, which goes on after this has returned."""
    file = home / "charts" / f"vega-{bundle_version()}.js.gz"
    if file.is_file() or not _turn.acquire(timeout=PATIENCE_SECONDS):
        return file if file.is_file() else None
    try:
        if not file.is_file():
            _make(file)
    finally:
        _turn.release()
    return file if file.is_file() else None


def _make(file: Path) -> None:
    maker = subprocess.Popen([sys.executable, "-m", "leaderboard.charts.bundle", str(file)], cwd=_PROJECT)
    with suppress(subprocess.TimeoutExpired):
        maker.wait(PATIENCE_SECONDS)


def write_bundle(file: Path) -> None:
    """Whole or not at all: others may ask for it meanwhile."""
    import vl_convert

    module = vl_convert.javascript_bundle().encode()  # type: ignore[call-arg]  # its stub forgets the default
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(gzip.compress(module, mtime=0))
    unfinished.replace(file)


if __name__ == "__main__":
    write_bundle(Path(sys.argv[1]))
