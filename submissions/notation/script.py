"""Finds the models that a text constructs, each with its calls, and the lines outside the models."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from submissions.notation.bindings import name_pairs, names, root, targets_and_value
from submissions.notation.calls import CallReader
from submissions.notation.draft import Model, Use
from submissions.notation.ignored_lines import (
    data_changes,
    data_overwrites,
    judge_assignment,
    judge_call,
    names_data,
    refuse_code,
)
from submissions.notation.literals import (
    IgnoredLine,
    NotationError,
    NotPython,
    Place,
    Text,
    refuse,
    statements,
    walked,
    within_bounds,
)
from submissions.notation.models import MAX_MODELS, Models
from submissions.notation.pipelines import PIPELINES, is_grid, not_varied
from submissions.notation.transcripts import SourceText, cleaned

# Calls that apply to every model of the text.
SETTINGS = frozenset({"set_random_seed", "set_seed", "set_global_policy", "set_policy"})
SHOWING = frozenset({"print", "display"})
# Methods that leave a model as it is.
READ_ONLY = frozenset(
    {
        "build", "evaluate", "get_params", "get_weights", "predict", "predict_proba", "save", "save_weights", "score",
        "summary", "kneighbors", "to_json", "get_config", "count_params", "transform",
    }
)  # fmt: skip

# Methods that change the list or dictionary that a name is bound to.
MUTATING = frozenset({"append", "extend", "insert", "update", "pop", "remove", "clear", "setdefault"})
FUNCTIONAL = (
    "functional models are not supported: write the layers in order, Sequential([Input((28, 28, 1)), …, Dense(10)])"
)
ADDING_LOOP = "loops that add layers are not supported: write each layer on its own line, model.add(Dense(64))"
LOOP = "loops that create models are not supported: write only the model that you want"
_UNSUPPORTED = {
    ast.For: LOOP,
    ast.While: LOOP,
    ast.FunctionDef: "functions are not supported: write the model itself, line by line",
    ast.ClassDef: "classes are not supported: write a Sequential model, one layer per line",
    ast.If: "conditions are not supported: write the model itself",
}


@dataclass(frozen=True, slots=True)
class Unclassified:
    """A statement that is no model; a model may still use its value, as `optimizer=opt` does."""

    statement: ast.stmt
    names: list[str]
    value: ast.expr


# A statement's results besides names and models: a line to ignore, a setting of all models (`Use`), a dictionary that
# may hold a model's parameters, or a model's constructor in a loop or condition (`ast.Call`).
Finding = IgnoredLine | Unclassified | Use | ast.Dict | ast.Call


@dataclass(frozen=True, slots=True)
class Script:
    """A text's models in order, and everything else that was found in it."""

    text: Text
    source: SourceText
    models: list[Model]
    findings: list[Finding]

    def ignored_lines(self) -> list[IgnoredLine]:
        """The lines that no model uses. Ask once the models are read: only then is it known which values they use."""
        lines = [item for item in self.findings if isinstance(item, IgnoredLine)]
        unclassified = [item for item in self.findings if isinstance(item, Unclassified)]
        unused = [item for item in unclassified if item.value not in self.text.used]
        return lines + [line for item in unused for line in self._judge(item)]

    def _judge(self, item: Unclassified) -> Iterator[IgnoredLine]:
        if not item.names and isinstance(item.value, ast.Call):
            yield from judge_call(self.text, item.statement, item.value)
        elif not self.text.is_plain(item.value):
            yield from judge_assignment(self.text, item.statement, item.names, item.value)


def read_script(source: str, constructors: Mapping[str, str]) -> Script:
    """The models of the text; `constructors` maps each class to its family. NotationError if there are none."""
    found, body = _parse(source)
    text = Text(found.shown())
    reader = _Reader(text, constructors)
    findings: list[Finding] = [*found.ignored, *reader.read(body)]
    if not reader.models.found and found.printed.strip():
        findings = _with_printed(reader, found.printed, findings)
    if not reader.models.found:
        reader.refuse_no_model(findings)
    settings = [item for item in findings if isinstance(item, Use)]
    models = [replace(model, settings=settings) for model in reader.models.found]
    return Script(text, found, models, findings)


def _parse(source: str) -> tuple[SourceText, list[ast.stmt]]:
    found = cleaned(within_bounds(source))
    try:
        return found, statements(found.code)
    except NotPython:
        if not found.printed.strip():
            raise
        return found.as_printed(), []


def _with_printed(reader: _Reader, printed: str, findings: list[Finding]) -> list[Finding]:
    """Adds what a session or a search printed; only for a text with no model in its code."""
    try:
        body = statements(printed)
    except NotPython:
        return findings
    lines = {number for number, line in enumerate(printed.split("\n"), start=1) if line}
    kept = [item for item in findings if not (isinstance(item, IgnoredLine) and item.number in lines)]
    return kept + reader.read(body)


class _Reader:
    """Reads statements in order. It keeps the names and the models, and returns everything else that it finds."""

    def __init__(self, text: Text, constructors: Mapping[str, str]) -> None:
        self.text = text
        self.constructors = constructors
        self.models = Models(text, constructors)
        self.calls = CallReader(text, self.models)

    def read(self, body: list[ast.stmt]) -> list[Finding]:
        found: list[Finding] = []
        for statement in body:
            parts = walked(statement)
            self.text.count_visits(statement, len(parts))
            refuse_code(parts, self.text)
            found += self._statement(statement)
        if not self.models.found:
            found += self._from_parameters([item for item in found if isinstance(item, ast.Dict)])
        return found

    def _from_parameters(self, dictionaries: list[ast.Dict]) -> list[IgnoredLine]:
        """Makes models from dictionaries of parameters, for a text without a constructor."""
        lines: list[IgnoredLine] = []
        single = [parameters for parameters in dictionaries if not is_grid(self.text, parameters)]
        for parameters in single[:MAX_MODELS]:
            if self.models.add_from_parameters(parameters):
                lines += not_varied(self.text, parameters, self.models.tried)
        return lines

    def _statement(self, statement: ast.stmt) -> list[Finding]:
        match statement:
            case ast.Import() | ast.ImportFrom():
                self.text.import_as(statement)
                return [self.text.ignore(statement)]
            case ast.Assign() | ast.AugAssign():
                return self._assignment(statement, *targets_and_value(statement))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                return self._assignment(statement, [target], value)
            case ast.Expr(value=value):
                return self._expression(statement, value)
            case ast.With(items=items, body=body):
                return [*self.calls.scan(*(item.context_expr for item in items)), *self._each(body)]
            case ast.Try(body=body, handlers=handlers, orelse=otherwise, finalbody=end):
                blocks = [*self._each([*body, *otherwise, *end])]
                return [*blocks, *(item for handler in handlers for item in self._block(handler))]
            case ast.If(test=ast.Compare(left=ast.Name("__name__")), body=body):
                return self._each(body)
            case ast.Pass():
                return []
        return self._block(statement)

    def _each(self, statements: list[ast.stmt]) -> list[Finding]:
        return [item for statement in statements for item in self._statement(statement)]

    def _expression(self, statement: ast.stmt, value: ast.expr) -> list[Finding]:
        match value:
            case ast.Call():
                known = self._known_call(statement, [], value)
                if known is not None:
                    return known
                return [*self._unknown_call(statement, value), Unclassified(statement, [], value)]
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return [found for item in items for found in self._expression(statement, item)]
            case ast.Dict():
                return [value, *self.calls.scan(value)]
        return [*self.calls.scan(value), self.text.ignore(statement)]

    def _assignment(self, statement: ast.stmt, targets: list[ast.expr], value: ast.expr) -> list[Finding]:
        if len(targets) == 1 and (pairs := name_pairs(targets[0], value)):
            return [found for target, item in pairs for found in self._assignment(statement, [target], item)]
        for target in targets:
            self._refuse_change(target)
        plain = names(*targets) if all(isinstance(target, ast.Name) for target in targets) else []
        if plain and self.models.alias(plain, value):
            return [self.text.ignore(statement)]
        if not isinstance(value, ast.Call):
            return [*self.calls.scan(value), *self._bind(statement, targets, value)]
        known = self._known_call(statement, plain, value)
        if known is not None:
            return known
        return [*self._unknown_call(statement, value), *self._bind(statement, targets, value)]

    def _bind(self, statement: ast.stmt, targets: list[ast.expr], value: ast.expr) -> list[Finding]:
        """Binds names to something other than a model."""
        stored = names(*targets)
        for name in stored:
            self.models.unbind(name)
            if all(isinstance(target, ast.Name) for target in targets):
                self.text.bind(name, statement, value)
            else:
                self.text.forget(name, statement)
        parameters = isinstance(value, ast.Dict) and any("param" in name or "best" in name for name in stored)
        found: list[Finding] = [value] if parameters and isinstance(value, ast.Dict) else []
        return [*found, Unclassified(statement, stored, value), *data_overwrites(self.text, statement, targets)]

    def _refuse_change(self, target: ast.expr) -> None:
        name = root(target)
        if name and not isinstance(target, ast.Name) and name in self.models.named:
            refuse(target, f"{name} is changed after it was created: set this in the constructor.")

    def _block(self, statement: Place) -> list[Finding]:
        """A loop, a function or the like: it may print and plot, but not create a model."""
        parts = walked(statement)
        self.text.count_visits(statement, len(parts))
        calls = [part for part in parts if isinstance(part, ast.Call)]
        self._refuse_models_in(statement, calls)
        found: list[Finding] = [*self._data_changes_in(statement, parts)]
        found += [item for call in calls for item in self.calls.uncertain(call)]
        for name in {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}:
            self.text.forget(name, statement)
        return found if any(isinstance(item, IgnoredLine) for item in found) else [*found, self.text.ignore(statement)]

    def _refuse_models_in(self, block: Place, calls: list[ast.Call]) -> None:
        if any(isinstance(call.func, ast.Attribute) and call.func.attr == "add" for call in calls):
            refuse(block, f"{ADDING_LOOP if isinstance(block, ast.For | ast.While) else _unsupported(block)}.")
        bases = block.bases if isinstance(block, ast.ClassDef) else []
        subclasses = any(self.text.dotted(base)[-1:] in (["Model"], ["Module"]) for base in bases)
        if subclasses or any(self.text.called(call) in self.constructors for call in calls):
            refuse(block, f"{_unsupported(block)}.")

    def _data_changes_in(self, block: Place, parts: list[ast.AST]) -> Iterator[IgnoredLine]:
        for part in parts:
            if isinstance(part, ast.Assign | ast.AugAssign):
                targets, value = targets_and_value(part)
                yield from data_overwrites(self.text, block, targets)
                if names_data(names(*targets)):
                    yield from data_changes(self.text, value, block)

    def _known_call(self, statement: ast.stmt, names: list[str], call: ast.Call) -> list[Finding] | None:
        """The findings of a call that creates a model, uses one, or concerns all of them; None for any other call."""
        name = self.text.called(call)
        if used := self.models.used(names, call):
            return [*self.calls.record(*used)]
        if name in self.constructors:
            self.models.add(names, call)
            return []
        if name in PIPELINES:
            self.models.pipeline(names, call)
            return []
        if name in SETTINGS:
            return [Use(name, call)]
        if name in SHOWING:
            return [self.text.ignore(statement), *self.calls.scan_parts(call)]
        if name == "Model" and (call.args or call.keywords):
            refuse(call, f"{FUNCTIONAL}.")
        return None

    def _unknown_call(self, statement: ast.stmt, call: ast.Call) -> list[Finding]:
        name = self.text.called(call)
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and name in MUTATING:
            self.text.forget(call.func.value.id, statement)
        found: list[Finding] = [*self.calls.trained_by_function(call)]
        if name[:1].isupper() and self.models.wrap(call):
            return found
        return [*found, *self.calls.scan_parts(call)]

    def refuse_no_model(self, findings: Iterable[Finding]) -> None:
        """Refuses a text without a model, naming whatever in it looks most like one."""
        supported = ", ".join(f"{name}(…)" for name in self.constructors)
        for call in self.models.wrapped:
            name = self.text.called(call)
            if name.endswith("SearchCV"):
                refuse(call, f"{name} tries many models: write the one that it found, its best_estimator_.")
            refuse(call, f"{name} is not supported: use one of {supported}.")
        for item in findings:
            if isinstance(item, ast.Call):
                refuse(item, f"{LOOP}.")
        values = [item.value for item in findings if isinstance(item, Unclassified)]
        calls = [value for value in values if isinstance(value, ast.Call)]
        if any(isinstance(call.func, ast.Call) for call in calls):
            refuse(calls[0], f"{FUNCTIONAL}.")
        for call in calls:
            made = self.models.chain(call)[0]
            name = ".".join(self.text.dotted(made.func if isinstance(made, ast.Call) else call.func))[:60]
            refuse(call, f"{name or 'This call'} is not supported: use one of {supported}.")
        raise NotationError.of("model", f"Line 1: there is no model here: write one of {supported}.")


def _unsupported(block: Place) -> str:
    return _UNSUPPORTED.get(type(block), "this is not part of a model: paste only the model's lines")
