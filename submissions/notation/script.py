"""The models that a text constructs, each with the calls that belong to it; what else stands there is left aside."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from submissions.notation.asides import changes, holds_data, judged, judged_call, refuse_code, sets_data
from submissions.notation.bindings import bound, names, pairs, root
from submissions.notation.calls import Uses
from submissions.notation.draft import Model, Use
from submissions.notation.literals import (
    Aside,
    NotationError,
    NotPython,
    Place,
    Text,
    refuse,
    statements,
    walked,
    within_bounds,
)
from submissions.notation.models import MOST_MODELS, Models
from submissions.notation.pipelines import PIPELINES, is_grid, model_of, not_varied
from submissions.notation.transcripts import cleaned

# Calls that say something about every model of the text.
SETTINGS = frozenset({"set_random_seed", "set_seed", "set_global_policy", "set_policy"})
SHOWING = frozenset({"print", "display"})
# Methods that look at a model and leave it as it is.
LOOKING = frozenset(
    {
        "build", "evaluate", "get_params", "get_weights", "predict", "predict_proba", "save", "save_weights", "score",
        "summary", "kneighbors", "to_json", "get_config", "count_params", "transform",
    }
)  # fmt: skip

# Methods that change what a name stands for.
GROWING = frozenset({"append", "extend", "insert", "update", "pop", "remove", "clear", "setdefault"})
FUNCTIONAL = "a functional Model is not read: write its layers in order, Sequential([Input((28, 28, 1)), …, Dense(10)])"
ONE_BY_ONE = "a loop that adds layers is not read: write each layer on a line of its own, model.add(Dense(64))"
LOOP = "a loop that makes models is not read: write the one model that you mean"
_UNREAD = {
    ast.For: LOOP,
    ast.While: LOOP,
    ast.FunctionDef: "a function is not read: write the model itself, on the lines after one another",
    ast.ClassDef: "a class is not read: write a Sequential model, a layer a line",
    ast.If: "a condition is not read: write the model itself",
}


@dataclass(slots=True)
class Script:
    """A text's models in order, and the lines that were left aside."""

    text: Text
    models: list[Model] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    data_sets: list[tuple[int, str]] = field(default_factory=list)
    feed: set[int] = field(default_factory=set)
    # Statements that are neither a model nor known to be harmless, with the names that they bind and the value: a
    # model may use it, as `optimizer=opt` does.
    others: list[tuple[ast.stmt, list[str], ast.expr]] = field(default_factory=list)

    def left_aside(self) -> list[Aside]:
        """To be asked once the models are read: what none of them used is judged by itself."""
        unused = [other for other in self.others if other[2] not in self.text.used]
        found = [*self.asides, *(aside for other in unused for aside in self._judged(*other))]
        return found

    def _judged(self, statement: ast.stmt, names: list[str], value: ast.expr) -> Iterator[Aside]:
        if not names and isinstance(value, ast.Call):
            yield from judged_call(self.text, statement, value)
        elif not self.text.is_plain(value):
            yield from judged(self.text, statement, names, value)


def read_script(source: str, constructors: Mapping[str, str]) -> Script:
    """The models of the text; `constructors` gives the family of each class."""
    return _Reader(source, constructors).read()


class _Reader:
    def __init__(self, source: str, constructors: Mapping[str, str]) -> None:
        found = cleaned(within_bounds(source))
        try:
            self.statements = statements(found.code)
        except NotPython:
            if not found.printed.strip():
                raise
            found, self.statements = found.as_printed(), []
        self.text = Text(found.shown())
        self.printed = found.printed
        self.constructors = constructors
        self.models = Models(self.text, constructors)
        self.script = Script(self.text, self.models.found, found.asides, found.data_sets, found.feed)
        self.uses = Uses(self.text, self.models, self.script.asides)
        self.settings: list[Use] = []
        self.parameters: list[ast.Dict] = []

    def read(self) -> Script:
        self._read(self.statements)
        if not self.models.found and self.printed.strip():
            self._read_printed()
        if not self.models.found:
            self._refuse_no_model()
        for model in self.models.found:
            model.settings = self.settings
        return self.script

    def _read(self, body: list[ast.stmt]) -> None:
        for statement in body:
            found = walked(statement)
            self.text.look_at(statement, len(found))
            refuse_code(found, self.text)
            self._statement(statement)
        if not self.models.found:
            self._read_parameters()

    def _read_printed(self) -> None:
        """What a session or a search printed, where the code has no model."""
        try:
            body = statements(self.printed)
        except NotPython:
            return
        lines = {number for number, line in enumerate(self.printed.split("\n"), start=1) if line}
        self.script.asides[:] = [aside for aside in self.script.asides if aside.line not in lines]
        self._read(body)

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import() | ast.ImportFrom():
                self.text.import_as(statement)
                self.script.asides.append(self.text.aside(statement))
            case ast.Assign(targets=targets, value=value):
                self._assigned(statement, targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assigned(statement, [target], value)
            case ast.AugAssign():
                self._assigned(statement, *bound(statement))
            case ast.Expr(value=value):
                self._said(statement, value)
            case ast.With(items=items, body=body):
                self.uses.within(*(item.context_expr for item in items))
                self._each(body)
            case ast.Try(body=body, handlers=handlers, orelse=otherwise, finalbody=end):
                self._each([*body, *otherwise, *end])
                for handler in handlers:
                    self._block(handler)
            case ast.If(test=ast.Compare(left=ast.Name("__name__")), body=body):
                self._each(body)
            case ast.Pass():
                pass
            case _:
                self._block(statement)

    def _each(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _said(self, statement: ast.stmt, value: ast.expr) -> None:
        match value:
            case ast.Call():
                self._called(statement, [], value)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                for item in items:
                    self._said(statement, item)
            case ast.Dict():
                self.parameters.append(value)
                self.uses.within(value)
            case _:
                self.uses.within(value)
                self.script.asides.append(self.text.aside(statement))

    def _assigned(self, statement: ast.stmt, targets: list[ast.expr], value: ast.expr) -> None:
        if len(targets) == 1 and (paired := pairs(targets[0], value)):
            for target, item in paired:
                self._assigned(statement, [target], item)
            return
        for target in targets:
            self._refuse_change(target)
        stored = names(*targets)
        whole = all(isinstance(target, ast.Name) for target in targets)
        if whole and self.models.again(stored, value):
            self.script.asides.append(self.text.aside(statement))
        elif not isinstance(value, ast.Call):
            self.uses.within(value)
            self._bound(statement, targets, value)
        elif not self._called(statement, stored if whole else [], value, stored=stored):
            self._bound(statement, targets, value)

    def _bound(self, statement: ast.stmt, targets: list[ast.expr], value: ast.expr) -> None:
        """Names that stand for something other than a model now."""
        stored = names(*targets)
        if isinstance(value, ast.Dict) and any("param" in name or "best" in name for name in stored):
            self.parameters.append(value)
        self.script.others.append((statement, stored, value))
        self.script.asides += sets_data(self.text, statement, targets)
        for name in stored:
            self.models.named.pop(name, None)
            if all(isinstance(target, ast.Name) for target in targets):
                self.text.bind(name, statement, value)
            else:
                self.text.forget(name, statement)

    def _refuse_change(self, target: ast.expr) -> None:
        name = root(target)
        if name and not isinstance(target, ast.Name) and name in self.models.named:
            refuse(target, f"{name} is changed after it was made: write it in the constructor.")

    def _block(self, statement: Place) -> None:
        """A loop, a function or the like: it may show things, but not make a model."""
        parts = walked(statement)
        self.text.look_at(statement, len(parts))
        calls = [part for part in parts if isinstance(part, ast.Call)]
        looped = isinstance(statement, ast.For | ast.While)
        if any(isinstance(call.func, ast.Attribute) and call.func.attr == "add" for call in calls):
            refuse(statement, f"{ONE_BY_ONE if looped else _why(statement)}.")
        bases = statement.bases if isinstance(statement, ast.ClassDef) else []
        subclasses = any(self.text.dotted(base)[-1:] in (["Model"], ["Module"]) for base in bases)
        if subclasses or any(self.text.called(call) in self.constructors for call in calls):
            refuse(statement, f"{_why(statement)}.")
        found = [*self._judged_block(statement, parts), *(aside for call in calls for aside in self.uses.perhaps(call))]
        self.script.asides += found or [self.text.aside(statement)]
        for name in {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}:
            self.text.forget(name, statement)

    def _judged_block(self, statement: Place, parts: list[ast.AST]) -> Iterator[Aside]:
        for inner in parts:
            if isinstance(inner, ast.Assign | ast.AugAssign):
                targets, value = bound(inner)
                yield from sets_data(self.text, statement, targets)
                if holds_data(names(*targets)):
                    yield from changes(self.text, value, statement)

    def _called(self, statement: ast.stmt, names: list[str], call: ast.Call, stored: list[str] | None = None) -> bool:
        """Takes note of a call; False if it is one that only the name it is given can make part of a model."""
        name = self.text.called(call)
        if used := self.models.used(names, call):
            self.uses.of(*used)
            return True
        if name in self.constructors:
            self.models.add(names, call)
        elif name in PIPELINES:
            self.models.pipeline(names, call)
        elif name in SETTINGS:
            self.settings.append(Use(name, call))
        elif name in SHOWING:
            self.script.asides.append(self.text.aside(statement))
            self.uses.within_call(call)
        elif name == "Model" and (call.args or call.keywords):
            refuse(call, f"{FUNCTIONAL}.")
        else:
            return self._stranger(statement, stored or names, call)
        return True

    def _stranger(self, statement: ast.stmt, names: list[str], call: ast.Call) -> bool:
        name = self.text.called(call)
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and name in GROWING:
            self.text.forget(call.func.value.id, statement)
        self.script.asides += self.uses.handed_over(call)
        if not (name[:1].isupper() and self.models.wrap(call)):
            self.uses.within_call(call)
        if not names:
            self.script.others.append((statement, [], call))
        return not names

    def _read_parameters(self) -> None:
        """A dictionary of parameters, where there is no model to be seen."""
        single = [parameters for parameters in self.parameters if not is_grid(self.text, parameters)]
        for parameters in single[:MOST_MODELS]:
            if model := model_of(self.text, parameters):
                self.models.found.append(model)
                self.script.asides += not_varied(self.text, parameters, self.models.tried)

    def _refuse_no_model(self) -> None:
        offered = ", ".join(f"{name}(…)" for name in self.constructors)
        for call in self.models.wrapped:
            name = self.text.called(call)
            if name.endswith("SearchCV"):
                refuse(call, f"{name} tries many models: write the one that it found, its best_estimator_.")
            refuse(call, f"{name} is not offered: there are {offered}.")
        for call in self.uses.in_doubt:
            refuse(call, f"{LOOP}.")
        calls = [value for _, _, value in self.script.others if isinstance(value, ast.Call)]
        if any(isinstance(call.func, ast.Call) for call in calls):
            refuse(calls[0], f"{FUNCTIONAL}.")
        for call in calls:
            made = self.models.chain(call)[0]
            said = ".".join(self.text.dotted(made.func if isinstance(made, ast.Call) else call.func))[:60]
            refuse(call, f"{said or 'This call'} is not offered: there are {offered}.")
        raise NotationError.of("model", f"Line 1: there is no model here: write one of {offered}.")


def _why(statement: Place) -> str:
    return _UNREAD.get(type(statement), "this is not part of a model: paste the model's lines alone")
