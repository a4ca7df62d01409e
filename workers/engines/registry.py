"""The arithmetic of every engine that is registered in `submissions.specs.engines`."""

from __future__ import annotations

import importlib

from submissions.specs import engines
from workers.engines.engine import Engine

# The one that most submissions ask for first: trainers are warmed in this order.
BY_DEMAND = tuple(engines.names())


def engine_named(name: str) -> Engine:
    """The engine `name`, imported; LookupError if there is none of that name."""
    module, _, attribute = engines.engine_named(name).implementation.partition(":")
    engine: Engine = getattr(importlib.import_module(module), attribute)
    return engine
