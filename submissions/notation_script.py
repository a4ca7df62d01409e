"""The models that a text constructs, each with the calls that belong to it; what else stands there is left aside."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from submissions.notation_asides import DATA, changes, judged, judged_call, refuse_code
from submissions.notation_pipeline import PIPELINES, model_of, stages, step_call
from submissions.notation_source import cleaned
from submissions.notation_text import Aside, Model, NotationError, Text, Use, refuse, statements, within_bounds

MOST_MODELS = 20
LONGEST_CHAIN = 20
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
_UNREAD = {
    ast.For: "a loop that makes models is not read: write the one model that you mean",
    ast.While: "a loop that makes models is not read: write the one model that you mean",
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
    # Statements that are neither a model nor known to be harmless, with the names that they bind and the value: a
    # model may use it, as `optimizer=opt` does.
    others: list[tuple[ast.stmt, list[str], ast.expr]] = field(default_factory=list)

    def left_aside(self) -> list[Aside]:
        """To be asked once the models are read: what none of them used is judged by itself."""
        unused = [other for other in self.others if other[2] not in self.text.used]
        found = [*self.asides, *(aside for other in unused for aside in self._judged(*other))]
        return sorted(set(found), key=lambda aside: aside.line)

    def _judged(self, statement: ast.stmt, names: list[str], value: ast.expr) -> Iterator[Aside]:
        if not names and isinstance(value, ast.Call):
            yield judged_call(self.text, statement, value)
        elif not self.text.is_plain(value):
            yield judged(self.text, statement, names, value)


def read_script(source: str, constructors: Mapping[str, str]) -> Script:
    """The models of the text; `constructors` gives the family of each class."""
    return _Reader(source, constructors).read()


class _Reader:
    def __init__(self, source: str, constructors: Mapping[str, str]) -> None:
        found = cleaned(within_bounds(source))
        self.statements = statements(found.code)
        self.text = Text(found.code)
        self.constructors = constructors
        self.script = Script(self.text, asides=found.asides, data_sets=found.data_sets)
        self.settings: list[Use] = []
        self.named: dict[str, Model] = {}
        self.parameters: list[ast.Dict] = []
        self.wrapped: list[ast.Call] = []
        self.judged: set[ast.expr] = set()

    def read(self) -> Script:
        for statement in self.statements:
            refuse_code(statement, self.text)
            self._statement(statement)
        if not self.script.models:
            self._read_parameters()
        if not self.script.models:
            self._refuse_no_model()
        for model in self.script.models:
            model.settings = self.settings
        return self.script

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import() | ast.ImportFrom():
                self.text.import_as(statement)
                self.script.asides.append(self.text.aside(statement))
            case ast.Assign(targets=targets, value=value):
                self._assigned(statement, targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assigned(statement, [target], value)
            case ast.AugAssign(target=target, op=op, value=value):
                changed = ast.copy_location(ast.BinOp(_as_read(target), op, value), statement)
                self._assigned(statement, [target], changed)
            case ast.Expr(value=value):
                self._said(statement, value)
            case (
                ast.With(body=body)
                | ast.Try(body=body)
                | ast.If(test=ast.Compare(left=ast.Name("__name__")), body=body)
            ):
                for inner in body:
                    self._statement(inner)
            case _:
                self._block(statement)

    def _said(self, statement: ast.stmt, value: ast.expr) -> None:
        match value:
            case ast.Call():
                self._called(statement, [], value)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                for item in items:
                    self._said(statement, item)
            case ast.Dict():
                self.parameters.append(value)

    def _assigned(self, statement: ast.stmt, targets: list[ast.expr], value: ast.expr) -> None:
        if len(targets) == 1 and (pairs := _pairs(targets[0], value)):
            for target, item in pairs:
                self._assigned(statement, [target], item)
            return
        for target in targets:
            self._refuse_change(target)
        names = [name for target in targets for name in _names(target)]
        whole = all(isinstance(target, ast.Name) for target in targets)
        if isinstance(value, ast.Call) and self._called(statement, names if whole else [], value, stored=names):
            return
        if isinstance(value, ast.Dict) and any("param" in name or "best" in name for name in names):
            self.parameters.append(value)
        self.script.others.append((statement, names, value))
        for name in names:
            self.named.pop(name, None)
            if whole:
                self.text.bind(name, statement, value)
            else:
                self.text.forget(name, statement)

    def _refuse_change(self, target: ast.expr) -> None:
        name = _root(target)
        if name and not isinstance(target, ast.Name) and name in self.named:
            refuse(target, f"{name} is changed after it was made: write it in the constructor.")

    def _block(self, statement: ast.stmt) -> None:
        """A loop, a function or the like: it may show things, but not make a model."""
        for part in ast.walk(statement):
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "add":
                refuse(statement, f"{ONE_BY_ONE if isinstance(statement, ast.For | ast.While) else _why(statement)}.")
            if isinstance(part, ast.Call) and self.text.called(part) in self.constructors:
                refuse(statement, f"{_why(statement)}.")
        if isinstance(statement, ast.ClassDef) and any(
            self.text.dotted(base)[-1:] == ["Model"] for base in statement.bases
        ):
            refuse(statement, f"{_why(statement)}.")
        self.script.asides.append(self._judged_block(statement))
        for name in {
            part.id for part in ast.walk(statement) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }:
            self.text.forget(name, statement)

    def _judged_block(self, statement: ast.stmt) -> Aside:
        assigned = [part for part in ast.walk(statement) if isinstance(part, ast.Assign | ast.AugAssign)]
        for inner in assigned:
            targets = inner.targets if isinstance(inner, ast.Assign) else [inner.target]
            if any(DATA.match(name) for target in targets for name in _names(target)):
                return next(changes(self.text, inner.value, statement), self.text.aside(statement))
        return self.text.aside(statement)

    def _called(self, statement: ast.stmt, names: list[str], call: ast.Call, stored: list[str] | None = None) -> bool:
        """Takes note of a call; False if it is one that only the name it is given can make part of a model."""
        name = self.text.called(call)
        if self._used(statement, names, call):
            return True
        if name in self.constructors:
            self._model(names, call)
        elif name in PIPELINES:
            self._pipeline(names, call)
        elif name in SETTINGS:
            self.settings.append(Use(name, call))
        elif name in SHOWING:
            self.script.asides.append(self.text.aside(statement))
            self._inside(call)
        elif name == "Model" and (call.args or call.keywords):
            refuse(call, f"{FUNCTIONAL}.")
        else:
            return self._stranger(statement, stored or names, call)
        return True

    def _stranger(self, statement: ast.stmt, names: list[str], call: ast.Call) -> bool:
        name = self.text.called(call)
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and name in GROWING:
            self.text.forget(call.func.value.id, statement)
        if name[:1].isupper():
            self._wrap(call)
        else:
            self._inside(call)
        if not names:
            self.script.others.append((statement, [], call))
        return not names

    def _used(self, statement: ast.stmt, names: list[str], call: ast.Call) -> bool:
        """Whether it is a method of a model: by its name, or right behind its constructor."""
        chain: list[ast.Call] = []
        on: ast.expr = call
        while isinstance(on, ast.Call) and isinstance(on.func, ast.Attribute) and len(chain) < LONGEST_CHAIN:
            if self.text.called(on) in {*self.constructors, *PIPELINES}:
                break
            chain.append(on)
            on = on.func.value
        owner = self._made(names if len(chain) == 1 else [], on) if chain else None
        for use in reversed(chain if owner else []):
            assert owner
            assert isinstance(use.func, ast.Attribute)
            owner.uses.append(Use(use.func.attr, use))
            if use.func.attr == "fit":
                self._judge_data(use)
        return owner is not None

    def _made(self, names: list[str], node: ast.expr) -> Model | None:
        """The model that an expression stands for."""
        if isinstance(node, ast.Name):
            return self.named.get(node.id)
        if isinstance(node, ast.Call) and self.text.called(node) in self.constructors:
            return self._model(names, node)
        if isinstance(node, ast.Call) and self.text.called(node) in PIPELINES:
            return self._pipeline(names, node)
        return None

    def _judge_data(self, fit: ast.Call) -> None:
        """The images and labels that `fit` is given: all of them, and as they come?"""
        given = [*fit.args[:2], *(keyword.value for keyword in fit.keywords if keyword.arg in ("x", "X", "y"))]
        for node in map(self.text.resolve, given):
            if node not in self.judged:
                self.judged.add(node)
                place = node if node.lineno else fit
                self.script.asides += list(changes(self.text, node, place))[:1]

    def _model(self, names: list[str], call: ast.Call) -> Model:
        if len(self.script.models) >= MOST_MODELS:
            refuse(call, f"there are more than {MOST_MODELS} models: paste the one that you mean.")
        model = Model(self.text, self.constructors[self.text.called(call)], call)
        self.script.models.append(model)
        self.named.update(dict.fromkeys(names, model))
        return model

    def _pipeline(self, names: list[str], call: ast.Call) -> Model:
        """The model at the end of a pipeline, with the steps before it."""
        *before, last = stages(self.text, call) or [call]
        model = self._made([], last) if last is not call else None
        if model is None:
            refuse(last, f"a pipeline ends with a model: {', '.join(self.constructors)}.")
        model.steps = [*(step_call(self.text, step) for step in before), *model.steps]
        self.named.update(dict.fromkeys(names, model))
        return model

    def _inside(self, call: ast.Call) -> None:
        """The models that a function is given, made on the spot."""
        for node in call.args:
            if isinstance(node, ast.Call):
                self._made([], node)

    def _wrap(self, call: ast.Call) -> None:
        """A search, a vote or the like over models: they are no submissions of their own."""
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        parts = [part for node in given for part in ast.walk(node)]
        inner = [model for part in parts if isinstance(part, ast.expr) and (model := self._made([], part))]
        if inner:
            self.wrapped.append(call)
            self.script.models = [model for model in self.script.models if model not in inner]

    def _read_parameters(self) -> None:
        """A dictionary of parameters, where there is no model to be seen."""
        for parameters in self.parameters:
            if model := model_of(self.text, parameters):
                self.script.models.append(model)

    def _refuse_no_model(self) -> None:
        offered = ", ".join(f"{name}(…)" for name in self.constructors)
        for call in self.wrapped:
            name = self.text.called(call)
            if name.endswith("SearchCV"):
                refuse(call, f"{name} tries many models: write the one that it found, its best_estimator_.")
            refuse(call, f"{name} is not offered: there are {offered}.")
        calls = [value for _, _, value in self.script.others if isinstance(value, ast.Call)]
        if calls:
            refuse(
                calls[0],
                f"{'.'.join(self.text.dotted(calls[0].func))[:60] or 'This call'} is not offered: there are {offered}.",
            )
        raise NotationError.of("model", f"Line 1: there is no model here: write one of {offered}.")


def _why(statement: ast.stmt) -> str:
    return _UNREAD.get(type(statement), "this is not part of a model: paste the model's lines alone")


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """`a, b = 1, 2` as its pairs."""
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        return list(zip(target.elts, value.elts, strict=False)) if len(target.elts) == len(value.elts) else []
    return []


def _names(target: ast.expr) -> list[str]:
    return [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]


def _as_read(target: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Name(target.id, ast.Load()), target) if isinstance(target, ast.Name) else target


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
