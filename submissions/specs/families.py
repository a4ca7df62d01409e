"""The one place where a model family is registered: its spec, its builder, its notation and the words of its form."""

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

    `constructor` is the class as a person types it; `positional` names the parameters that may be given by position.
    `builder` is a dotted path `module:callable`, imported by the trainer process alone: called with the spec and a
    `workers.engines.run.Run`, it gives an object with `fit(images, labels)` and `predict(images)`.
    `only` holds parameters that the constructor has and the spec has not, with the value that may be typed for them.
    `former` holds what older versions of the library print: by parameter the value that today's version has for a value
    of theirs, or nothing at all where the parameter is gone and this value changed nothing.
    `read` and `write` replace the notation's plain `Constructor(name=value, …)` where a family needs more than that:
    `read(model, side)` takes a `notation_draft.Model` and the side of the images, and gives a `notation_draft.Draft`.
    `headline` gives the model alone on one line, where `write` gives more than that.
    `fixed_threads` is for a library that takes its threads once, when the trainer starts.
    `offered` is False for families that no form, API or notation may reach (those of tests).
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
    """Add a family; a second one of the same name replaces the first."""
    _families[family.name] = family
    return family


def _load() -> None:
    extra = [name.strip() for name in os.environ.get("QUEST_FAMILIES", "").split(",") if name.strip()]
    for module in (*BUILT_IN.values(), *extra):
        if module not in _loaded:
            importlib.import_module(module)
            _loaded.add(module)


def all_families() -> list[Family]:
    """Every family: the built-in ones in their order, then the others as they were registered."""
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
