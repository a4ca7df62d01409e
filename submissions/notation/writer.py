"""Spec to text: `render` writes a spec as a person would type it, `headline` on one line."""

from __future__ import annotations

from typing import Any

from submissions.notation.pipelines import write_steps
from submissions.specs import families as registry
from submissions.specs.families import Family
from submissions.specs.spec import Spec, changed


def render(spec: Spec) -> str:
    """The spec as a constructor call without defaults; a network with its compile and fit."""
    family = registry.family_of(spec)
    return family.write(spec) if family.write else _constructor(spec, family)


def headline(spec: Spec) -> str:
    """The model on one line, as the board and the feed show it."""
    family = registry.family_of(spec)
    return family.headline(spec) if family.headline else " ".join(render(spec).splitlines())


def _constructor(spec: Spec, family: Family) -> str:
    given = changed(spec)
    steps = given.pop("preprocess", ())
    # Sorted, as in scikit-learn's own repr.
    written = f"{family.constructor}({', '.join(f'{name}={_value(value)}' for name, value in sorted(given.items()))})"
    return f"make_pipeline({write_steps(steps)}, {written})" if steps else written


def _value(value: Any) -> str:
    if isinstance(value, dict):
        keys = {key: key if key.isdigit() else repr(key) for key in value}
        return "{" + ", ".join(f"{keys[key]}: {_value(item)}" for key, item in value.items()) + "}"
    return repr(value)
