"""The accelerated engine: the same models with the same answers, computed by faster code where there is some."""

from __future__ import annotations

import importlib
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


def _builder(family: Family) -> str:
    faster = FASTER_BUILDERS.get(family.name)
    return faster if faster and is_importable(faster.partition(":")[0]) else family.builder


@cache
def is_importable(module: str) -> bool:
    """Whether the module and its libraries can be imported; otherwise the stock engine computes the family.

    Not every platform has a wheel of each library.
    """
    try:
        importlib.import_module(module)
    except Exception:  # noqa: BLE001 - a library that does not fit the platform may raise anything
        traceback.print_exc()
        return False
    return True


ENGINE = Engine(name=ACCELERATED, builder=_builder)
