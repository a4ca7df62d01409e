"""The registry of engines: name, label, and the path to the code that a worker runs.

Engines differ in how they compute a model, never in what the model is: scores are the same on every engine.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass

STOCK, ACCELERATED = "stock", "accelerated"
ONLY = "_only"
MAX_NAME_LENGTH = 15  # with `ONLY` appended, a name still fits a quest's policy column


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """An engine that a quest or a group can choose.

    `implementation` is the path, `module:object`, of a `workers.engines.engine.Engine`; only trainers import it.
    """

    name: str
    label: str
    implementation: str


_engines: dict[str, EngineChoice] = {}
_loaded: set[str] = set()


def register(engine: EngineChoice) -> EngineChoice:
    """Adds an engine, or replaces one of the same name. The first registered engine is the default."""
    if not engine.name.isidentifier() or len(engine.name) > MAX_NAME_LENGTH or engine.name.endswith(ONLY):
        raise ValueError(
            f"{engine.name!r} is not a valid engine name: use an identifier of at most {MAX_NAME_LENGTH} characters."
        )
    _engines[engine.name] = engine
    return engine


def unregister(name: str) -> None:
    """Removes an engine, such as one that a test has added."""
    _engines.pop(name, None)


def engines() -> list[EngineChoice]:
    """Every engine, in the order of registration."""
    for module in filter(None, map(str.strip, os.environ.get("QUEST_ENGINES", "").split(","))):
        if module not in _loaded:
            _loaded.add(module)
            importlib.import_module(module)
    return list(_engines.values())


def engine_named(name: str) -> EngineChoice:
    """The engine `name`; LookupError if there is none."""
    try:
        return next(engine for engine in engines() if engine.name == name)
    except StopIteration:
        raise LookupError(f"Unknown engine {name!r}: use one of {', '.join(names())}.") from None


def names() -> list[str]:
    return [engine.name for engine in engines()]


def choices() -> list[tuple[str, str]]:
    """(name, label) pairs for a form field."""
    return [(engine.name, engine.label) for engine in engines()]


def policy_choices() -> list[tuple[str, str]]:
    """A quest's options: a default engine from which groups may differ, or one engine only."""
    default = [(name, f"{name}, unless a group asks for {' or '.join(_others(name))}") for name in names()]
    return default + [(name + ONLY, f"{name} only") for name in names()]


def allowed(policy: str) -> tuple[str, ...]:
    """The engines that groups may ask for under this policy, the default first."""
    default = policy.removesuffix(ONLY)
    asked = [default] if policy != default else [default, *_others(default)]
    return tuple(name for name in asked if name in names()) or tuple(names())  # if its engine is no longer registered


def _others(name: str) -> list[str]:
    return [other for other in names() if other != name]


register(
    EngineChoice(
        name=ACCELERATED,
        label="accelerated: the same answers, computed faster",
        implementation="workers.engines.accelerated:ENGINE",
    )
)
register(
    EngineChoice(
        name=STOCK,
        label="stock: scikit-learn and Keras as a notebook calls them",
        implementation="workers.engines.stock:ENGINE",
    )
)
