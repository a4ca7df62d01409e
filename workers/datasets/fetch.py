"""Fetch data sets: `python -m workers.datasets.fetch [name …]`.

Without names, fetches those in QUEST_DATASETS, or else MNIST and digits.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from workers.datasets import store

DEFAULT = ("mnist", "digits")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m workers.datasets.fetch", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(store.NAMES)}")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)
    try:
        for name in options.names or os.environ.get("QUEST_DATASETS", "").replace(",", " ").split() or DEFAULT:
            store.ensure(name, progress=not options.quiet)
    except store.FetchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
