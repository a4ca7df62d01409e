"""The registry of model families: spec, builder, notation and help texts."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from submissions.specs.spec import Spec

BUILT_IN = {
    "knn": "submissions.families.knn",
    "forest": "submissions.families.forest",
    "cnn": "submissions.families.network",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of model that a group can submit.

    `constructor` is the class name as a person types it; `positional` names the parameters that may be given by
    position.
    `builder` is a path, `module:callable`, that only the trainer process imports. Called with the spec and a
    `workers.engines.run.Run`, it returns an object with `fit(images, labels)` and `predict(images)`.
    `only` maps parameters of the constructor that the spec lacks to the one value that may be typed for them.
    `former` maps parameters to values that older versions of the library print, and each value to its current
    equivalent. If the spec lacks the parameter, these values changed nothing and are dropped.
    `read` and `write` replace the plain notation `Constructor(name=value, …)` for a family that needs more:
    `read(model, side)` takes a `notation.draft.Model` and the images' side, and returns a `notation.draft.Draft`.
    `headline` gives only the model, on one line, if `write` gives more than that.
    `fixed_threads` marks a library that sets its number of threads once, when the trainer starts.
    `offered` is False for families that form, API and notation must not offer, such as those of tests.
    """

    name: str
    label: str
    spec: type[Spec]
    constructor: str
    builder: str
    positional: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu",)
    help: Mapping[str, str] = field(default_factory=dict)
    presets: Mapping[str, Spec] = field(default_factory=dict)
    only: Mapping[str, object] = field(default_factory=dict)
    former: Mapping[str, Mapping[object, object]] = field(default_factory=dict)
    read: Callable[..., Any] | None = None
    write: Callable[[Spec], str] | None = None
    headline: Callable[[Spec], str] | None = None
    fixed_threads: bool = False
    offered: bool = True


_families: dict[str, Family] = {}
_loaded: set[str] = set()


def register(family: Family) -> Family:
    """Adds a family, or replaces one of the same name."""
    _families[family.name] = family
    return family


def unregister(name: str) -> None:
    """Removes a family, such as one that a test has added."""
    _families.pop(name, None)


def _load() -> None:
    extra = [name.strip() for name in os.environ.get("QUEST_FAMILIES", "").split(",") if name.strip()]
    for module in (*BUILT_IN.values(), *extra):
        if module not in _loaded:
            importlib.import_module(module)
            _loaded.add(module)


def all_families() -> list[Family]:
    """Every family: the built-in ones first, then the others in the order of registration."""
    _load()
    order = {name: place for place, name in enumerate(BUILT_IN)}
    return sorted(_families.values(), key=lambda family: order.get(family.name, len(order)))


def offered() -> list[Family]:
    return [family for family in all_families() if family.offered]


def family_named(name: str) -> Family:
    """The family `name`; KeyError if there is none."""
    _load()
    return _families[name]


def family_of(spec: Spec) -> Family:
    return family_named(spec.family)
