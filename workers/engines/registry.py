"""The implementations of the engines that `submissions.specs.engines` registers."""

from __future__ import annotations

import importlib

from submissions.specs import engines
from workers.engines.engine import Engine

# Trainers warm the engines in this order: the one that most submissions ask for comes first.
WARM_ORDER = tuple(engines.names())


def engine_named(name: str) -> Engine:
    """Import the engine `name`; LookupError if there is none."""
    module, _, attribute = engines.engine_named(name).implementation.partition(":")
    engine: Engine = getattr(importlib.import_module(module), attribute)
    return engine
