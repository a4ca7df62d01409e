"""The one place where an engine is registered: its name, its words, and where a worker finds its arithmetic.

An engine computes models; what a model is, and so its score, is the same on each.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass

STOCK, ACCELERATED = "stock", "accelerated"
ONLY = "_only"
LONGEST_NAME = 15  # with `ONLY` it fits a quest's policy


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """An engine that can be chosen.

    `implementation` is a dotted path `module:object` to a `workers.engines.engine.Engine`; only trainers import it.
    """

    name: str
    label: str
    implementation: str


_engines: dict[str, EngineChoice] = {}
_loaded: set[str] = set()


def register(engine: EngineChoice) -> EngineChoice:
    """Add an engine; a second one of the same name replaces the first. The first registered is the usual default."""
    if not engine.name.isidentifier() or len(engine.name) > LONGEST_NAME or engine.name.endswith(ONLY):
        raise ValueError(f"{engine.name!r} names no engine: a word of at most {LONGEST_NAME} letters does.")
    _engines[engine.name] = engine
    return engine


def engines() -> list[EngineChoice]:
    """Every engine, in the order in which they were registered."""
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
        raise LookupError(f"There is no engine {name!r}; there is {', '.join(names())}.") from None


def names() -> list[str]:
    return [engine.name for engine in engines()]


def choices() -> list[tuple[str, str]]:
    """The engines as a field offers them."""
    return [(engine.name, engine.label) for engine in engines()]


def policy_choices() -> list[tuple[str, str]]:
    """What a quest may say: the engine that its submissions run on, unless a group asks for another, or that alone."""
    default = [(name, f"{name}, unless a group asks for {' or '.join(_others(name))}") for name in names()]
    return default + [(name + ONLY, f"{name} only") for name in names()]


def allowed(policy: str) -> tuple[str, ...]:
    """The engines that a quest with this policy lets groups ask for, the default first."""
    default = policy.removesuffix(ONLY)
    asked = [default] if policy != default else [default, *_others(default)]
    return tuple(name for name in asked if name in names()) or tuple(names())  # where its engine was taken away


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
