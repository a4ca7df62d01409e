"""The models that a text constructs, each with the calls that belong to it; what else stands there is left aside."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from submissions.notation_asides import DATA, changes, judged, judged_call, refuse_code
from submissions.notation_draft import Model, Use
from submissions.notation_models import MOST_MODELS, Models
from submissions.notation_pipeline import PIPELINES, model_of
from submissions.notation_source import cleaned
from submissions.notation_text import Aside, NotationError, Text, refuse, statements, within_bounds

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
        return found

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
        self.models = Models(self.text, constructors)
        self.script = Script(self.text, self.models.found, asides=found.asides, data_sets=found.data_sets)
        self.settings: list[Use] = []
        self.parameters: list[ast.Dict] = []
        self.judged: set[ast.expr] = set()

    def read(self) -> Script:
        for statement in self.statements:
            refuse_code(statement, self.text)
            self._statement(statement)
        if not self.models.found:
            self._read_parameters()
        if not self.models.found:
            self._refuse_no_model()
        for model in self.models.found:
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
            self.models.named.pop(name, None)
            if whole:
                self.text.bind(name, statement, value)
            else:
                self.text.forget(name, statement)

    def _refuse_change(self, target: ast.expr) -> None:
        name = _root(target)
        if name and not isinstance(target, ast.Name) and name in self.models.named:
            refuse(target, f"{name} is changed after it was made: write it in the constructor.")

    def _block(self, statement: ast.stmt) -> None:
        """A loop, a function or the like: it may show things, but not make a model."""
        parts = list(ast.walk(statement))
        calls = [part for part in parts if isinstance(part, ast.Call)]
        looped = isinstance(statement, ast.For | ast.While)
        if any(isinstance(call.func, ast.Attribute) and call.func.attr == "add" for call in calls):
            refuse(statement, f"{ONE_BY_ONE if looped else _why(statement)}.")
        bases = statement.bases if isinstance(statement, ast.ClassDef) else []
        subclasses = any(self.text.dotted(base)[-1:] in (["Model"], ["Module"]) for base in bases)
        if subclasses or any(self.text.called(call) in self.constructors for call in calls):
            refuse(statement, f"{_why(statement)}.")
        self.script.asides.append(self._judged_block(statement, parts))
        for name in {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}:
            self.text.forget(name, statement)

    def _judged_block(self, statement: ast.stmt, parts: list[ast.AST]) -> Aside:
        for inner in parts:
            if not isinstance(inner, ast.Assign | ast.AugAssign):
                continue
            targets = inner.targets if isinstance(inner, ast.Assign) else [inner.target]
            if any(DATA.match(name) for target in targets for name in _names(target)):
                return next(changes(self.text, inner.value, statement), self.text.aside(statement))
        return self.text.aside(statement)

    def _called(self, statement: ast.stmt, names: list[str], call: ast.Call, stored: list[str] | None = None) -> bool:
        """Takes note of a call; False if it is one that only the name it is given can make part of a model."""
        name = self.text.called(call)
        if used := self.models.used(names, call):
            self._uses(*used)
            return True
        if name in self.constructors:
            self.models.add(names, call)
        elif name in PIPELINES:
            self.models.pipeline(names, call)
        elif name in SETTINGS:
            self.settings.append(Use(name, call))
        elif name in SHOWING:
            self.script.asides.append(self.text.aside(statement))
            self.models.inside(call)
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
            self.models.wrap(call)
        else:
            self.models.inside(call)
        if not names:
            self.script.others.append((statement, [], call))
        return not names

    def _uses(self, model: Model, calls: list[ast.Call]) -> None:
        for call in calls:
            name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            model.uses.append(Use(name, call))
            if name == "fit":
                self._judge_data(call)

    def _judge_data(self, fit: ast.Call) -> None:
        """The images and labels that `fit` is given: all of them, and as they come?"""
        given = [*fit.args[:2], *(keyword.value for keyword in fit.keywords if keyword.arg in ("x", "X", "y"))]
        for node in map(self.text.resolve, given):
            self.text.used.discard(node)  # by the training, not by the model: it is judged by itself too
            if node not in self.judged:
                self.judged.add(node)
                place = node if node.lineno else fit
                self.script.asides += list(changes(self.text, node, place))[:1]

    def _read_parameters(self) -> None:
        """A dictionary of parameters, where there is no model to be seen."""
        single = [parameters for parameters in self.parameters if not _is_grid(self.text, parameters)]
        for parameters in single[:MOST_MODELS]:
            if model := model_of(self.text, parameters):
                self.models.found.append(model)
                if "__" in self.text.said(parameters):
                    why = "steps that the search did not vary are not among these parameters: paste the pipeline"
                    self.script.asides.append(self.text.aside(parameters, why))

    def _refuse_no_model(self) -> None:
        offered = ", ".join(f"{name}(…)" for name in self.constructors)
        for call in self.models.wrapped:
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


def _is_grid(text: Text, parameters: ast.Dict) -> bool:
    """Whether these are values for a search to try, several for a parameter."""
    return any(
        isinstance(value, ast.List) or (isinstance(value, ast.Call) and not text.is_plain(value))
        for value in parameters.values
    )


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
