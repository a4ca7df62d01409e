"""Text to spec: `read` finds the model in a typed or pasted text. Nothing is executed."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from submissions.notation.draft import Draft, Model
from submissions.notation.literals import AS_CONSTRUCTED, IgnoredLine, NotationError, refuse
from submissions.notation.pipelines import read_steps
from submissions.notation.script import READ_ONLY, Script, read_script
from submissions.notation.writer import headline
from submissions.specs import families as registry
from submissions.specs.families import Family
from submissions.specs.spec import DATASETS, Limits, Spec, SpecError
from submissions.specs.validation import validate

DEFAULT_SIDE = 28
# Values that a line of the feed prints among the parameters.
FEED_VALUES = ("score", "dat")


@dataclass(frozen=True, slots=True)
class ParsedModel:
    """A model read from a text, the line where it begins, and the lines that were ignored.

    Ignoring `harmless` lines has no effect; ignoring `consequential` ones may change the score.
    """

    spec: Spec
    harmless: tuple[str, ...] = ()
    consequential: tuple[str, ...] = ()
    line: int = 1

    @property
    def left_aside(self) -> tuple[str, ...]:
        return (*self.harmless, *self.consequential)


def read(text: str, *, dataset: str | None = "mnist", limits: Limits | None = None) -> ParsedModel:
    """The text's only model; NotationError if there is none, or more than one."""
    return _only(read_all(text, dataset=dataset, limits=limits))


def read_all(text: str, *, dataset: str | None = "mnist", limits: Limits | None = None) -> list[ParsedModel]:
    """All different models of the text, in order; NotationError if there is none, or if one is refused."""
    families = {family.constructor: family for family in registry.offered()}
    script = read_script(text, {constructor: family.name for constructor, family in families.items()})
    drafts = [_draft(model, dataset) for model in script.models]
    ignored = script.ignored_lines()
    found: list[ParsedModel] = []
    for model, draft in zip(script.models, drafts, strict=True):
        spec = _validated(model, draft, dataset=dataset, limits=limits)
        if all(spec != earlier.spec for earlier in found):
            feed = [*_other_data_sets(script, dataset), *_training_missing(script, model)]
            found.append(_parsed(spec, model, [*ignored, *draft.ignored, *feed], dataset))
    return found


def _only(found: list[ParsedModel]) -> ParsedModel:
    if len(found) > 1:
        lines = ", ".join(str(parsed.line) for parsed in found)
        models = "; ".join(f"{headline(parsed.spec):.100}" for parsed in found)
        raise NotationError.of("model", f"Lines {lines} each have a model: paste only one of them ({models}).")
    return found[0]


def _draft(model: Model, dataset: str | None) -> Draft:
    family = registry.family_named(model.family)
    side = DATASETS[dataset].side if dataset in DATASETS else DEFAULT_SIDE
    draft: Draft = family.read(model, side) if family.read else _read_constructor(model, family)
    if model.steps and "preprocess" not in family.spec.model_fields:
        refuse(model.steps[0], f"steps before {family.constructor} are not supported.", "preprocess")
    return draft | read_steps(model.text, model.steps)


def _validated(model: Model, draft: Draft, *, dataset: str | None, limits: Limits | None) -> Spec:
    try:
        return validate(draft.data, dataset=dataset, limits=limits)
    except SpecError as error:
        raise NotationError([_with_line(found, draft, model.call.lineno) for found in error.errors]) from error


def _other_data_sets(script: Script, dataset: str | None) -> list[IgnoredLine]:
    """Lines of the feed that are about another data set."""
    return [
        IgnoredLine(line, f"dat={name}", "the quest uses its own data set", frozenset({name}))
        for line, name in script.source.data_sets
        if dataset is not None and name != dataset
    ]


def _training_missing(script: Script, model: Model) -> list[IgnoredLine]:
    """Warns that a line of the feed does not say how its network was trained."""
    fitted = any(use.name == "fit" for use in model.uses)
    if fitted or model.call.lineno not in script.source.feed_lines or not registry.family_named(model.family).read:
        return []
    why = "the feed shows no compile or fit: add them below, or the network is trained for 5 epochs with adam"
    return [model.text.ignore(model.call, why)]


def _parsed(spec: Spec, model: Model, lines: list[IgnoredLine], dataset: str | None) -> ParsedModel:
    exceptions = _exceptions(spec, dataset)
    reasons: dict[str, str] = {}
    harmless: dict[str, None] = {}
    for line in sorted(lines, key=lambda line: line.number):
        if line.changes_score(exceptions):
            reasons.setdefault(str(line), line.why)
        else:
            harmless[str(line)] = None
    consequential = tuple(f"{said} ({why})" for said, why in reasons.items())
    return ParsedModel(spec, tuple(said for said in harmless if said not in reasons), consequential, model.call.lineno)


def _exceptions(spec: Spec, dataset: str | None) -> set[str | None]:
    """The `harmless_for` values of this model and data set: lines that name one do not change its score."""
    images = DATASETS[dataset or next(iter(DATASETS))]
    constructed = set() if registry.family_of(spec).read else {AS_CONSTRUCTED}
    return {spec.family, dataset, *constructed, *spec.pixel_transforms(images)}


def parse(text: str) -> Spec:
    """The spec of the text, for any data set."""
    return read(text, dataset=None).spec


def model_from(value: object, *, dataset: str = "mnist", limits: Limits | None = None) -> ParsedModel:
    """A model as the form and the API accept it: an object, JSON text, or notation. SpecError if it is refused."""
    return _only(models_from(value, dataset=dataset, limits=limits))


def models_from(value: object, *, dataset: str = "mnist", limits: Limits | None = None) -> list[ParsedModel]:
    """Like `model_from`, for a text that may hold several models."""
    if isinstance(value, str) and not _is_spec(value):
        return read_all(value, dataset=dataset, limits=limits)
    if isinstance(value, str | dict):
        return [ParsedModel(validate(value, dataset=dataset, limits=limits))]
    raise SpecError.of("model", "Give the model as text, such as KNeighborsClassifier(n_neighbors=4), or as an object.")


def _is_spec(text: str) -> bool:
    """Whether the text is a spec's JSON. Python prints dictionaries of parameters in braces too."""
    return text.lstrip().startswith("{") and ('"family"' in text or "'" not in text)


def _read_constructor(model: Model, family: Family) -> Draft:
    """The draft of a scikit-learn constructor."""
    draft = Draft({"family": family.name})
    for name, node in model.text.arguments(model.call, family.positional).items():
        value = model.text.literal(node)
        if name in FEED_VALUES:
            draft |= Draft.ignoring(node.lineno, f"{name}={value}")
        elif name in family.only and value != family.only[name]:
            refuse(node, f"{name} must be {family.only[name]!r}: remove it.", name)
        elif name not in family.only and not _is_obsolete(family, name, value):
            draft |= Draft({name: _current_value(family, name, value)}, {name: node.lineno})
    for use in model.uses:
        if use.name not in READ_ONLY and use.name != "fit":
            refuse(use.call, f"the method {use.name} is not supported: set this in the constructor.")
        weighted = use.name == "fit" and _has_weights(use.call)
        draft.ignored.append(model.text.ignore(use.call, "all images have the same weight here" if weighted else ""))
    return draft


def _has_weights(fit: ast.Call) -> bool:
    """Whether fit gets more than images and labels: weights by position, by name, or for a pipeline's step."""
    return len(fit.args) > 2 or any(keyword.arg not in ("X", "y") for keyword in fit.keywords)


def _is_obsolete(family: Family, name: str, value: Any) -> bool:
    """Whether only older versions of the library print this, and it changes nothing."""
    return name not in family.spec.model_fields and _is_former(family, name, value)


def _current_value(family: Family, name: str, value: Any) -> Any:
    return family.former[name][value] if _is_former(family, name, value) else value


def _is_former(family: Family, name: str, value: Any) -> bool:
    return not isinstance(value, list | dict) and value in family.former.get(name, ())


def _with_line(error: Mapping[str, str], draft: Draft, line: int) -> dict[str, str]:
    """Adds the line to an error's message, and the name of its field unless that is a mere position."""
    parts = error["field"].split(".")
    places = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    line = next((draft.lines[place] for place in places if place in draft.lines), line)
    name = "" if parts[-1].isdigit() or error["field"] == "model" else f"{parts[-1]}: "
    return {"field": error["field"], "message": f"Line {line}: {name}{error['message']}"}
