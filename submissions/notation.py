"""Specs as people type them: `read` turns text into a spec, `render` a spec into text. Nothing is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from submissions.families import registry
from submissions.families.registry import Family
from submissions.notation_script import LOOKING, read_script
from submissions.notation_text import Draft, Model, NotationError, refuse
from submissions.specs import DATASETS, Limits, Spec, SpecError, changed, validate

__all__ = ["NotationError", "Reading", "headline", "model_from", "parse", "read", "render", "with_line"]

DEFAULT_SIDE = 28


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text was understood to say, and the lines of it that say nothing about the model."""

    spec: Spec
    left_aside: tuple[str, ...] = ()


def read(text: str, *, dataset: str | None = "mnist", limits: Limits | None = None) -> Reading:
    """The one model of the text; NotationError for anything else."""
    families = {family.constructor: family for family in registry.offered()}
    script = read_script(text, {constructor: family.name for constructor, family in families.items()})
    if len(script.models) > 1:
        lines = ", ".join(str(model.call.lineno) for model in script.models)
        raise NotationError.of("model", f"Lines {lines} have a model each: paste one of them.")
    model = script.models[0]
    family = registry.family_named(model.family)
    side = DATASETS[dataset].side if dataset in DATASETS else DEFAULT_SIDE
    draft: Draft = family.read(model, side) if family.read else _read_constructor(model, family)
    script.refuse_strangers()
    try:
        spec = validate(draft.data, dataset=dataset, limits=limits)
    except SpecError as error:
        raise NotationError([with_line(found, draft, model.call.lineno) for found in error.errors]) from error
    return Reading(spec, (*script.left_aside, *draft.left_aside))


def parse(text: str) -> Spec:
    """The spec of the text, whichever data set it is for."""
    return read(text, dataset=None).spec


def render(spec: Spec) -> str:
    """The spec as its constructor is typed, defaults left out; a network with its compile and fit."""
    family = registry.family_of(spec)
    return family.write(spec) if family.write else _constructor(spec, family)


def headline(spec: Spec) -> str:
    """The model itself on one line, as board and feed show it."""
    family = registry.family_of(spec)
    return family.headline(spec) if family.headline else " ".join(render(spec).splitlines())


def model_from(value: object, *, dataset: str = "mnist", limits: Limits | None = None) -> Reading:
    """A model as form, API and admin take it: an object, its JSON text, or notation. SpecError if it is refused."""
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        return read(value, dataset=dataset, limits=limits)
    if isinstance(value, str | dict):
        return Reading(validate(value, dataset=dataset, limits=limits))
    raise SpecError.of("model", "Give the model as text, such as KNeighborsClassifier(n_neighbors=4), or as an object.")


def _read_constructor(model: Model, family: Family) -> Draft:
    """A call such as scikit-learn's, with a value for each parameter."""
    draft = Draft({"family": family.name})
    for name, node in model.text.arguments(model.call, family.positional).items():
        value = model.text.literal(node)
        if name in family.only:
            if value != family.only[name]:
                refuse(node, f"{name} is offered as {family.only[name]!r} only: leave it out.", name)
            continue
        draft.data[name] = value
        draft.lines[name] = node.lineno
    for use in model.uses:
        if use.name not in LOOKING and use.name != "fit":
            refuse(use.call, f"the method {use.name} is not offered: write it in the constructor.")
        draft.left_aside.append(model.text.line(use.call))
    return draft


def with_line(error: Mapping[str, str], draft: Draft, line: int) -> dict[str, str]:
    """The error with the line that it is about, and the name of the thing unless the message begins with it."""
    parts = error["field"].split(".")
    places = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    line = next((draft.lines[place] for place in places if place in draft.lines), line)
    thing = "" if parts[-1].isdigit() or error["field"] == "model" else f"{parts[-1]}: "
    return {"field": error["field"], "message": f"Line {line}: {thing}{error['message']}"}


def _constructor(spec: Spec, family: Family) -> str:
    # Sorted, as scikit-learn's own repr has them.
    given = sorted(changed(spec).items())
    return f"{family.constructor}({', '.join(f'{name}={_value(value)}' for name, value in given)})"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        keys = {key: key if key.isdigit() else repr(key) for key in value}
        return "{" + ", ".join(f"{keys[key]}: {_value(item)}" for key, item in value.items()) + "}"
    return repr(value)
