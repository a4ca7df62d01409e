"""Measure the service against a notebook: `python -m tests.bench [--quick] [knn forest cnn mixed warm]`.

Each row is printed as soon as it is measured, and kept in `$QUEST_HOME/bench.json`; Ctrl-C keeps the rows so far.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench import cnn, forest, knn, mixed, warm
from tests.bench.contest import Bench, run_module
from tests.bench.peaks import Peaks
from tests.bench.rows import Report, Row, print_line
from workers.processes.trainer_process import PROJECT

GROUPS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "warm": warm.rows,
    "knn": knn.rows,
    "forest": forest.rows,
    "cnn": cnn.rows,
    "mixed": mixed.rows,
}
RUNS = 3
STOPPED = 130  # a shell's exit code after Ctrl-C

# An administrator's settings for one library or another must not decide the comparison.
TUNING = ("OPENBLAS", "GOTO_", "BLIS_", "MKL_", "OMP_", "KMP_", "NUMBA_", "TF_", "XLA_", "LOKY_", "L2_SIZE", "ONEDNN_")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows, smaller samples, each once: under 5 minutes")
    parser.add_argument("names", nargs="*", metavar="NAMES", help=f"which rows: {' '.join(GROUPS)}; all if none")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(GROUPS):
        parser.error(f"there are no rows called {', '.join(sorted(unknown))}; choose from {', '.join(GROUPS)}")
    remove_tuning()
    report = Report(Path(os.environ.get("QUEST_HOME") or PROJECT / "var").resolve() / "bench.json")
    try:
        return 0 if measure(asked.names or list(GROUPS), report, quick=asked.quick) else 1
    except KeyboardInterrupt:
        print_line(f"Stopped. {report.path} has the finished rows.")
        return STOPPED


def measure(names: Sequence[str], report: Report, *, quick: bool) -> bool:
    """Whether everything could be measured; an error loses the remaining rows of its own group and no others."""
    peaks = Peaks(**json.loads(run_module("tests.bench.peaks")))
    report.write_line(f"{os.cpu_count()} cores; {peaks}.")
    report.begin()
    bench = Bench(runs=1 if quick else RUNS, peaks=peaks, quick=quick)
    broken = [name for name in GROUPS if name in names and not add_rows(GROUPS[name](bench), report)]
    report.end()
    return not broken


def add_rows(rows: Iterator[Row], report: Report) -> bool:
    try:
        for row in rows:
            report.add(row)
    except Exception:  # noqa: BLE001 - it must not lose half an hour of measurements
        traceback.print_exc()
        return False
    return True


def remove_tuning() -> None:
    """Remove tuning variables, so that both sides start from the libraries' own defaults."""
    for name in [name for name in os.environ if name.startswith(TUNING)]:
        del os.environ[name]


if __name__ == "__main__":
    sys.exit(main())
