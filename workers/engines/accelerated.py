"""The same models with the same answers, by faster arithmetic where we know one."""

from __future__ import annotations

import importlib
import traceback
from functools import cache

from submissions.specs.engines import ACCELERATED
from submissions.specs.families import Family
from workers.engines.engine import Engine

FASTER = {
    "knn": "workers.engines.fast_neighbors.knn:build",
    "forest": "workers.engines.sklearn.fast_forest:build",
    "cnn": "workers.engines.fast_cnn.cnn:build",
}


def _builder(family: Family) -> str:
    faster = FASTER.get(family.name)
    return faster if faster and _works_here(faster.partition(":")[0]) else family.builder


@cache
def _works_here(module: str) -> bool:
    """Not every platform has a wheel of each library that is faster: what cannot be imported is left to stock."""
    try:
        importlib.import_module(module)
    except Exception:  # noqa: BLE001 - a library that does not fit fails in its own way
        traceback.print_exc()
        return False
    return True


ENGINE = Engine(name=ACCELERATED, builder=_builder)
