"""Text to spec: `read` finds the model in a text that a person typed or pasted. Nothing is evaluated."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from submissions.notation.draft import Draft, Model
from submissions.notation.literals import AS_MADE, Aside, NotationError, refuse
from submissions.notation.pipelines import read_steps
from submissions.notation.script import LOOKING, Script, read_script
from submissions.notation.writer import headline
from submissions.specs import families as registry
from submissions.specs.families import Family
from submissions.specs.spec import DATASETS, Limits, Spec, SpecError
from submissions.specs.validation import validate

DEFAULT_SIDE = 28
# What a line of the feed has among the parameters.
SAID_BESIDE = ("score", "dat")


@dataclass(frozen=True, slots=True)
class ParsedModel:
    """What a text was understood to say, from which line on, and what was left aside.

    `harmless` says nothing about the model; what is `consequential` would have changed the score.
    """

    spec: Spec
    harmless: tuple[str, ...] = ()
    consequential: tuple[str, ...] = ()
    line: int = 1

    @property
    def left_aside(self) -> tuple[str, ...]:
        return (*self.harmless, *self.consequential)


def read(text: str, *, dataset: str | None = "mnist", limits: Limits | None = None) -> ParsedModel:
    """The one model of the text; NotationError for anything else."""
    return _only(read_all(text, dataset=dataset, limits=limits))


def read_all(text: str, *, dataset: str | None = "mnist", limits: Limits | None = None) -> list[ParsedModel]:
    """Every model of the text, in order, each once; NotationError if there is none, or one that is refused."""
    families = {family.constructor: family for family in registry.offered()}
    script = read_script(text, {constructor: family.name for constructor, family in families.items()})
    drafts = [_drafted(model, dataset) for model in script.models]
    rest = script.left_aside()
    found: list[ParsedModel] = []
    for model, draft in zip(script.models, drafts, strict=True):
        spec = _validated(model, draft, dataset=dataset, limits=limits)
        if all(spec != earlier.spec for earlier in found):
            around = [*_other_data(script, dataset), *_not_in_feed(script, model)]
            found.append(_reading(spec, model, [*rest, *draft.asides, *around], dataset))
    return found


def _only(readings: list[ParsedModel]) -> ParsedModel:
    if len(readings) > 1:
        lines = ", ".join(str(reading.line) for reading in readings)
        models = "; ".join(f"{headline(reading.spec):.100}" for reading in readings)
        raise NotationError.of("model", f"Lines {lines} have a model each: paste one of them ({models}).")
    return readings[0]


def _drafted(model: Model, dataset: str | None) -> Draft:
    family = registry.family_named(model.family)
    side = DATASETS[dataset].side if dataset in DATASETS else DEFAULT_SIDE
    draft: Draft = family.read(model, side) if family.read else _read_constructor(model, family)
    if model.steps and "preprocess" not in family.spec.model_fields:
        refuse(model.steps[0], f"no steps are offered before {family.constructor}.", "preprocess")
    read_steps(model.text, model.steps, draft)
    return draft


def _validated(model: Model, draft: Draft, *, dataset: str | None, limits: Limits | None) -> Spec:
    try:
        return validate(draft.data, dataset=dataset, limits=limits)
    except SpecError as error:
        raise NotationError([_with_line(found, draft, model.call.lineno) for found in error.errors]) from error


def _other_data(script: Script, dataset: str | None) -> list[Aside]:
    """Where a line of the feed is about another data set."""
    return [
        Aside(line, f"dat={name}", "the quest trains on its own data set", frozenset({name}))
        for line, name in script.data_sets
        if dataset is not None and name != dataset
    ]


def _not_in_feed(script: Script, model: Model) -> list[Aside]:
    """What a line of the feed does not say of a network."""
    fitted = any(use.name == "fit" for use in model.uses)
    if fitted or model.call.lineno not in script.feed or not registry.family_named(model.family).read:
        return []
    why = "the feed shows no compile and no fit: write them below it, or it is trained for 5 epochs with adam"
    return [model.text.aside(model.call, why)]


def _reading(spec: Spec, model: Model, asides: list[Aside], dataset: str | None) -> ParsedModel:
    known = _known_of(spec, dataset)
    weighty: dict[str, str] = {}
    harmless: dict[str, None] = {}
    for aside in sorted(asides, key=lambda aside: aside.line):
        if aside.changes_score(known):
            weighty.setdefault(str(aside), aside.why)
        else:
            harmless[str(aside)] = None
    consequential = tuple(f"{said} ({why})" for said, why in weighty.items())
    return ParsedModel(spec, tuple(said for said in harmless if said not in weighty), consequential, model.call.lineno)


def _known_of(spec: Spec, dataset: str | None) -> set[str | None]:
    """What makes a line harmless that would change the score of another model, or on other images."""
    images = DATASETS[dataset or next(iter(DATASETS))]
    made = set() if registry.family_of(spec).read else {AS_MADE}
    return {spec.family, dataset, *made, *spec.pixel_transforms(images)}


def parse(text: str) -> Spec:
    """The spec of the text, whichever data set it is for."""
    return read(text, dataset=None).spec


def model_from(value: object, *, dataset: str = "mnist", limits: Limits | None = None) -> ParsedModel:
    """A model as form and API take it: an object, its JSON text, or notation. SpecError if it is refused."""
    return _only(models_from(value, dataset=dataset, limits=limits))


def models_from(value: object, *, dataset: str = "mnist", limits: Limits | None = None) -> list[ParsedModel]:
    """The same, where a text may hold several models."""
    if isinstance(value, str) and not _is_spec(value):
        return read_all(value, dataset=dataset, limits=limits)
    if isinstance(value, str | dict):
        return [ParsedModel(validate(value, dataset=dataset, limits=limits))]
    raise SpecError.of("model", "Give the model as text, such as KNeighborsClassifier(n_neighbors=4), or as an object.")


def _is_spec(text: str) -> bool:
    """Whether it is a spec's JSON, rather than the parameters that Python prints in braces as well."""
    return text.lstrip().startswith("{") and ('"family"' in text or "'" not in text)


def _read_constructor(model: Model, family: Family) -> Draft:
    """A call such as scikit-learn's, with a value for each parameter."""
    draft = Draft({"family": family.name})
    for name, node in model.text.arguments(model.call, family.positional).items():
        value = model.text.literal(node)
        if name in SAID_BESIDE:
            draft.leave(node.lineno, f"{name}={value}")
        elif name in family.only and value != family.only[name]:
            refuse(node, f"{name} is offered as {family.only[name]!r} only: leave it out.", name)
        elif name not in family.only and not _is_gone(family, name, value):
            draft.data[name] = _of_today(family, name, value)
            draft.lines[name] = node.lineno
    for use in model.uses:
        if use.name not in LOOKING and use.name != "fit":
            refuse(use.call, f"the method {use.name} is not offered: write it in the constructor.")
        weighs = use.name == "fit" and _weighs(use.call)
        draft.asides.append(model.text.aside(use.call, "every image counts the same here" if weighs else ""))
    return draft


def _weighs(fit: ast.Call) -> bool:
    """Whether it is given more than images and labels: weights, by position, by name or by a pipeline's step."""
    return len(fit.args) > 2 or any(keyword.arg not in ("X", "y") for keyword in fit.keywords)


def _is_gone(family: Family, name: str, value: Any) -> bool:
    """Whether an older version of the library printed this, and it changed nothing."""
    return name not in family.spec.model_fields and _known(family, name, value)


def _of_today(family: Family, name: str, value: Any) -> Any:
    return family.former[name][value] if _known(family, name, value) else value


def _known(family: Family, name: str, value: Any) -> bool:
    return not isinstance(value, list | dict) and value in family.former.get(name, ())


def _with_line(error: Mapping[str, str], draft: Draft, line: int) -> dict[str, str]:
    """The error with the line that it is about, and the name of the thing unless the message begins with it."""
    parts = error["field"].split(".")
    places = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    line = next((draft.lines[place] for place in places if place in draft.lines), line)
    thing = "" if parts[-1].isdigit() or error["field"] == "model" else f"{parts[-1]}: "
    return {"field": error["field"], "message": f"Line {line}: {thing}{error['message']}"}
