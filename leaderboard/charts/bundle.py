"""Vega for the browser: the module that vl-convert contains, written once per version and served as a file.

`python -m leaderboard.charts.bundle FILE` writes it, in a process of its own, since that takes some seconds and 200 MB.
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

MOST_WAIT_SECONDS = 9.0
_PROJECT = Path(__file__).resolve().parent.parent.parent
_lock = threading.Lock()


@cache
def bundle_version() -> str:
    return version("vl-convert-python")


def bundle_file(home: Path) -> Path | None:
    """The gzipped module under `home`; None while another process is still making it."""
    file = home / "charts" / f"vega-{bundle_version()}.js.gz"
    if file.is_file() or not _lock.acquire(timeout=MOST_WAIT_SECONDS):
        return file if file.is_file() else None
    try:
        if not file.is_file():
            _make(file)
    finally:
        _lock.release()
    return file if file.is_file() else None


def _make(file: Path) -> None:
    maker = subprocess.Popen([sys.executable, "-m", "leaderboard.charts.bundle", str(file)], cwd=_PROJECT)
    with suppress(subprocess.TimeoutExpired):
        maker.wait(MOST_WAIT_SECONDS)


def write_bundle(file: Path) -> None:
    """Write the gzipped module. The file is renamed into place, so that readers never see half of it."""
    import vl_convert

    module = vl_convert.javascript_bundle().encode()  # type: ignore[call-arg]  # its stub forgets the default
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(gzip.compress(module, mtime=0))
    unfinished.replace(file)


if __name__ == "__main__":
    write_bundle(Path(sys.argv[1]))
