"""scikit-learn's pipelines in a text, and dictionaries of the parameters that a search found."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from submissions.notation.draft import Draft, Model
from submissions.notation.literals import IgnoredLine, Text, refuse, statements
from submissions.specs.families import Family, offered
from submissions.specs.preprocessing import STEPS, Step
from submissions.specs.spec import changed

PIPELINES = frozenset({"Pipeline", "make_pipeline"})
RUN_CODE = frozenset({"FunctionTransformer"})


def stages(text: Text, call: ast.Call) -> list[ast.expr]:
    """A pipeline's stages in order, as names or calls; stages that pass everything through are left out."""
    if text.called(call) == "make_pipeline":
        _refuse_other_options(text, call, ("memory", "verbose", "transform_input"))
        return [stage for stage in call.args if not _is_passthrough(stage)]
    given = text.arguments(call, ("steps",))
    _refuse_other_options(text, call, ("steps", "memory", "verbose", "transform_input"))
    listed = text.resolve(given["steps"]) if "steps" in given else call
    if not isinstance(listed, ast.List | ast.Tuple):
        refuse(listed, "write a pipeline's steps as a list: Pipeline([('scaler', StandardScaler()), …]).")
    return [stage for stage in map(_named_stage, listed.elts) if not _is_passthrough(stage)]


def _refuse_other_options(text: Text, call: ast.Call, known: tuple[str, ...]) -> None:
    for keyword in call.keywords:
        if keyword.arg not in known:
            refuse(keyword.value, f"{keyword.arg or '**'} is not supported in {text.called(call)}: remove it.")


def _named_stage(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Tuple | ast.List) and len(node.elts) == 2:
        return node.elts[1]
    refuse(node, "write a pipeline's step with its name: ('scaler', StandardScaler()).")


def _is_passthrough(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in ("passthrough", None)


def step_call(text: Text, node: ast.expr) -> ast.Call:
    """The call that creates a step before the model."""
    call = text.resolve(node)
    name = text.called(call) if isinstance(call, ast.Call) else ""
    if name in RUN_CODE:
        refuse(call, f"{name} would run code, which is not supported.", "preprocess")
    if not isinstance(call, ast.Call) or name not in STEPS:
        refuse(call, f"{name or 'this step'} is not supported before a model: use {', '.join(STEPS)}.", "preprocess")
    return call


def read_steps(text: Text, calls: list[ast.Call]) -> Draft:
    """The steps before a model."""
    if not calls:
        return Draft()
    draft = Draft({"preprocess": []}, {"preprocess": calls[0].lineno})
    for place, call in enumerate(calls):
        step = _step(text, call, f"preprocess.{place}")
        draft.data["preprocess"].append(step.data)
        draft.lines |= step.lines
    return draft


def _step(text: Text, call: ast.Call, path: str) -> Draft:
    kind = STEPS[text.called(call)]
    draft = Draft({"kind": text.called(call)}, {path: call.lineno})
    for name, node in text.arguments(call, kind.POSITIONAL).items():
        value = text.literal(node)
        if name not in kind.WITHOUT_EFFECT:
            draft |= Draft({name: value}, {f"{path}.{name}": node.lineno})
    return draft


def typed_steps(source: str) -> list[dict[str, Any]]:
    """The steps written on their own: `StandardScaler(), PCA(50)`; NotationError for anything else."""
    text = Text(source)
    calls: list[ast.Call] = []
    for statement in statements(source):
        if not isinstance(statement, ast.Expr):
            refuse(statement, "write only the steps, such as StandardScaler(), PCA(50).", "preprocess")
        value = statement.value
        calls += [
            step_call(text, node) for node in (value.elts if isinstance(value, ast.Tuple | ast.List) else [value])
        ]
    steps: list[dict[str, Any]] = read_steps(text, calls).data.get("preprocess", [])
    return steps


def write_steps(steps: tuple[Step, ...]) -> str:
    return ", ".join(
        f"{step.kind}({', '.join(f'{name}={value!r}' for name, value in changed(step).items())})" for step in steps
    )


def is_grid(text: Text, parameters: ast.Dict) -> bool:
    """Whether this is a search's grid, with several values for a parameter."""
    return any(
        isinstance(value, ast.List) or (isinstance(value, ast.Call) and not text.is_plain(value))
        for value in parameters.values
    )


def not_varied(text: Text, parameters: ast.Dict, tried: Iterable[Model]) -> Iterator[IgnoredLine]:
    """Warns that the parameters a search found leave out the steps and parameters that it did not vary."""
    if "__" in text.line_at(parameters):
        why = "these parameters leave out the steps that the search did not vary: paste the pipeline"
        yield text.ignore(parameters, why)
    elif any(model.steps or model.call.args or model.call.keywords for model in tried):
        why = "these parameters leave out those that the search did not vary: paste its best_estimator_"
        yield text.ignore(parameters, why)


def model_of(text: Text, parameters: ast.Dict) -> Model | None:
    """The model in a dictionary such as `best_params_`, by its names and prefixes; None if it is empty."""
    named = list(_named(parameters))
    if not named:
        return None
    fitting = [family for family in offered() if not family.read and _prefix_of(family, named) is not None]
    if len(fitting) != 1:
        refuse(parameters, "it is not clear which model these parameters belong to: write its constructor.")
    family, own = fitting[0], _prefix_of(fitting[0], named)
    call = _call(family.constructor, {name: value for prefix, name, value in named if prefix == own}, parameters)
    model = Model(text, family.name, call)
    before: dict[str, dict[str, ast.expr]] = {}
    for prefix, name, value in named:
        if prefix != own:
            before.setdefault(_step_kind(parameters, prefix, name), {})[name] = value
    # A dictionary is sorted by name, a pipeline is not: scaling comes before PCA.
    model.steps = [_call(kind, before[kind], parameters) for kind in STEPS if kind in before]
    return model


def _named(parameters: ast.Dict) -> Iterator[tuple[str, str, ast.expr]]:
    """(prefix, parameter, value) of each entry; the prefix is a pipeline's step."""
    for key, value in zip(parameters.keys, parameters.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            refuse(parameters, "write the names of a model's parameters as strings: {'n_neighbors': 4}.")
        prefix, _, name = key.value.rpartition("__")
        yield prefix.rpartition("__")[2], name, value


def _prefix_of(family: Family, named: list[tuple[str, str, ast.expr]]) -> str | None:
    """The prefix of this family's parameters; None if there is none. Names that families share do not decide."""
    fields = {*family.spec.model_fields, *family.only, *family.former} - {"family", "preprocess"}
    prefixes = list(dict.fromkeys(prefix for prefix, _, _ in named))
    mine = [prefix for prefix in prefixes if {name for of, name, _ in named if of == prefix} <= fields]
    named_by_class = [prefix for prefix in mine if prefix == family.constructor.lower()]
    others = [other.constructor.lower() for other in offered() if other is not family]
    telling = [
        prefix
        for prefix in mine
        if prefix not in others and any(of == prefix and _is_unique_to(family, name) for of, name, _ in named)
    ]
    return next(iter(named_by_class or telling), None)


def _is_unique_to(family: Family, name: str) -> bool:
    return not any(name in other.spec.model_fields for other in offered() if other is not family and not other.read)


def _step_kind(place: ast.expr, prefix: str, name: str) -> str:
    """The step that a prefix belongs to, going by its class name or by the parameter."""
    by_class = {kind.lower(): kind for kind in STEPS}
    by_name = [kind for kind, step in STEPS.items() if name in step.model_fields]
    found = by_class.get(prefix) or (by_name[0] if len(by_name) == 1 else "")
    if not found:
        refuse(place, f"{prefix}__{name} belongs to no supported step: use {', '.join(STEPS)}.", "preprocess")
    return found


def _call(name: str, given: Mapping[str, ast.expr], place: ast.expr) -> ast.Call:
    here = {"lineno": place.lineno, "col_offset": place.col_offset}
    keywords = [ast.keyword(arg, value, **here) for arg, value in given.items()]
    return ast.Call(ast.Name(name, ast.Load(), **here), [], keywords, **here)
