"""Every engine that a worker has."""

from __future__ import annotations

from workers.engines import accelerated, stock
from workers.engines.engine import Engine

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (stock.ENGINE, accelerated.ENGINE)}

# The one that most submissions ask for first: trainers are warmed in this order.
BY_DEMAND = (accelerated.ENGINE.name, stock.ENGINE.name)


def engine_named(name: str) -> Engine:
    """The engine `name`; LookupError if this worker has none of that name."""
    try:
        return ENGINES[name]
    except KeyError:
        raise LookupError(f"This worker has no engine {name!r}; it has {', '.join(ENGINES)}.") from None
