"""The accelerated engine: the same models with the same answers, computed by faster code where there is some."""

from __future__ import annotations

import importlib
import sys
import traceback
from functools import cache

from submissions.specs.engines import ACCELERATED
from submissions.specs.families import Family
from workers.engines.engine import Engine

FASTER_BUILDERS = {
    "knn": "workers.engines.fast_neighbors.knn:build",
    "forest": "workers.engines.sklearn.fast_forest:build",
    "cnn": "workers.engines.fast_cnn.cnn:build",
}
OWN_PACKAGES = ("workers", "submissions")  # those that an engine may import


def _builder(family: Family) -> str:
    faster = FASTER_BUILDERS.get(family.name)
    return faster if faster and is_importable(faster.partition(":")[0]) else family.builder


@cache
def is_importable(module: str) -> bool:
    """Whether the module's libraries can be imported; otherwise the stock engine computes the family.

    Not every platform has a wheel of each library. Errors of this project's own code are raised: if they were ignored,
    every run of the family would move to the stock engine unnoticed.
    """
    try:
        importlib.import_module(module)
    except Exception as error:  # a library that does not fit the platform may raise anything
        if _failed_package(error) in OWN_PACKAGES:
            raise
        traceback.print_exc()
        return False
    return True


def _failed_package(error: Exception) -> str:
    """The package that could not be imported, or that raised the error (not the standard library that it called)."""
    if isinstance(error, ImportError):
        return (error.name or "").partition(".")[0]
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    packages = [str(frame.f_globals.get("__name__", "")).partition(".")[0] for frame in frames]
    return next(package for package in reversed(packages) if package not in sys.stdlib_module_names)


ENGINE = Engine(name=ACCELERATED, builder=_builder)
