"""The models that a text constructs, each with the calls that belong to it; what is harmless is left aside."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from submissions.notation_text import Model, NotationError, Text, Use, refuse, statements

# Calls that say something about every model of the text.
SETTINGS = frozenset({"set_random_seed", "set_seed", "set_global_policy", "set_policy"})
HARMLESS = frozenset({"print", "display"})
# Methods that look at a model and leave it as it is.
LOOKING = frozenset(
    {
        "build", "evaluate", "get_params", "get_weights", "predict", "predict_proba", "save", "save_weights", "score",
        "summary", "kneighbors", "to_json",
    }
)  # fmt: skip

_UNREAD = {
    ast.For: "a loop is not read: write what it does line by line",
    ast.While: "a loop is not read: write what it does line by line",
    ast.FunctionDef: "a function is not read: write the model itself",
    ast.ClassDef: "a class is not read: write a Sequential model",
    ast.If: "a condition is not read: write the model itself",
    ast.With: "a with block is not read: write the model itself",
}


@dataclass(slots=True)
class Script:
    """A text's models in order, and the lines that were left aside."""

    text: Text
    models: list[Model] = field(default_factory=list)
    left_aside: list[str] = field(default_factory=list)
    # Calls that are neither a model nor known to be harmless: a model may use them, as `optimizer=opt` does.
    strangers: list[ast.expr] = field(default_factory=list)

    def refuse_strangers(self) -> None:
        """To be asked once the models are read: a call that none of them used is no part of them."""
        for call in self.strangers:
            if call not in self.text.used:
                refuse(call, f"{_said(self.text, call)} is not part of the model: paste the model's lines alone.")


def read_script(source: str, constructors: Mapping[str, str]) -> Script:
    """The models of the text; `constructors` gives the family of each class."""
    return _Reader(source, constructors).read()


class _Reader:
    def __init__(self, source: str, constructors: Mapping[str, str]) -> None:
        self.statements = statements(source)
        self.text = Text(source)
        self.constructors = constructors
        self.script = Script(self.text)
        self.settings: list[Use] = []
        self.named: dict[str, Model] = {}

    def read(self) -> Script:
        for statement in self.statements:
            self._statement(statement)
        for model in self.script.models:
            model.settings = self.settings
        if not self.script.models:
            self._refuse_no_model()
        return self.script

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import() | ast.ImportFrom():
                self.text.import_as(statement)
                self.script.left_aside.append(self.text.line(statement))
            case ast.Assign(targets=targets, value=value):
                self._assigned(statement, targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assigned(statement, [target], value)
            case ast.Expr(value=ast.Call() as call):
                self._called(statement, [], call)
            case ast.Expr(value=ast.Constant() | ast.Name()) | ast.Pass():
                pass
            case _:
                why = _UNREAD.get(type(statement), "this is not part of a model: paste the model's lines alone")
                refuse(statement, f"{why}.")

    def _assigned(self, statement: ast.stmt, targets: list[ast.expr], value: ast.expr) -> None:
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        for target in targets:
            self._refuse_change(target)
        if isinstance(value, ast.Call) and self._called(statement, names, value):
            return
        if len(names) != len(targets):
            refuse(statement, "this is not part of a model: paste the model's lines alone.")
        for name in names:
            self.named.pop(name, None)
            self.text.bind(name, statement, value)

    def _refuse_change(self, target: ast.expr) -> None:
        if isinstance(target, ast.Attribute | ast.Subscript) and (name := _root(target)) in self.named:
            refuse(target, f"{name} is changed after it was made: write it in the constructor.")

    def _called(self, statement: ast.stmt, names: list[str], call: ast.Call) -> bool:
        """Takes note of a call; False if it is one that only the name it is given can make part of a model."""
        name = self.text.called(call)
        if owner := self._owner(names, call):
            owner.uses.append(Use(call.func.attr if isinstance(call.func, ast.Attribute) else name, call))
        elif name in self.constructors:
            self._model(names, call)
        elif name in SETTINGS:
            self.settings.append(Use(name, call))
        elif name in HARMLESS:
            self.script.left_aside.append(self.text.line(statement))
        else:
            self.script.strangers.append(call)
            return not names
        return True

    def _owner(self, names: list[str], call: ast.Call) -> Model | None:
        """The model that a method is called on: by its name, or right behind its constructor."""
        if not isinstance(call.func, ast.Attribute):
            return None
        on = call.func.value
        if isinstance(on, ast.Call) and self.text.called(on) in self.constructors:
            return self._model(names, on)
        return self.named.get(on.id) if isinstance(on, ast.Name) else None

    def _model(self, names: list[str], call: ast.Call) -> Model:
        model = Model(self.text, self.constructors[self.text.called(call)], call)
        self.script.models.append(model)
        self.named.update(dict.fromkeys(names, model))
        return model

    def _refuse_no_model(self) -> None:
        offered = ", ".join(f"{name}(…)" for name in self.constructors)
        if self.script.strangers:
            first = self.script.strangers[0]
            refuse(first, f"{_said(self.text, first)} is not offered: there are {offered}.")
        raise NotationError.of("model", f"Line 1: there is no model here: write one of {offered}.")


def _said(text: Text, call: ast.expr) -> str:
    parts = text.dotted(call.func) if isinstance(call, ast.Call) else []
    return ".".join(parts)[:60] or "This call"


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
