"""Reads what a text does with its models once they are created: on lines of their own, inside expressions, and where
it is unknown how often Python gets there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from submissions.notation.bindings import root
from submissions.notation.draft import Model, Use
from submissions.notation.ignored_lines import data_changes
from submissions.notation.literals import AS_CONSTRUCTED, IgnoredLine, Text, refuse
from submissions.notation.models import CHANGING, Models, method_of

UNCERTAIN = "in a loop, a condition or a function is not supported: write"
INSTEAD = {
    "add": "each layer on its own line, model.add(Dense(64))",
    "fit": "it once on its own line, with all its epochs",
}
IN_FUNCTION = "training inside a function is ignored: write compile and fit on lines of their own"
TRAINS = re.compile(r"(?i)\w{0,30}(?:train|fit|compile)")
REPEATING = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# y_train_5: labels that say for each image whether it is a five.
ONE_DIGIT = re.compile(r"_\d$")


class CallReader:
    """Records calls on the models that they concern, and returns the lines that are ignored.

    A constructor in a loop or condition is returned as its call, since it may have to be refused.
    """

    def __init__(self, text: Text, models: Models) -> None:
        self.text = text
        self.models = models
        self._judged: set[ast.expr] = set()

    def record(self, model: Model, calls: list[ast.Call]) -> list[IgnoredLine]:
        """Adds the methods called on a model, in order."""
        model.uses += [Use(method_of(call), call) for call in calls]
        return [line for call in calls if method_of(call) == "fit" for line in self._training_data(call)]

    def scan(self, *nodes: ast.AST) -> list[IgnoredLine | ast.Call]:
        """Finds the models in expressions, and the calls on models there."""
        found: list[IgnoredLine | ast.Call] = []
        waiting: list[tuple[ast.AST, bool]] = [(node, True) for node in reversed(nodes)]
        while waiting:
            node, certain = waiting.pop()
            if isinstance(node, ast.Call):
                taken = self._model_call(node) if certain else None
                found += self.uncertain(node) if not certain else taken or []
                if taken is not None:
                    continue
            self._refuse_other_name(node)
            waiting += [(child, certain and _runs_once(node, child)) for child in reversed(list(_parts(node)))]
        return found

    def scan_parts(self, call: ast.Call) -> list[IgnoredLine | ast.Call]:
        """Scans a call's arguments, and the expression that it is called on."""
        return self.scan(*_parts(call))

    def _model_call(self, call: ast.Call) -> list[IgnoredLine] | None:
        """The ignored lines of a call that is a model, uses one, or wraps several; None for any other call."""
        if self.models.has_changing_call(call) and (used := self.models.used([], call)):
            return self.record(*used)
        wraps = self.text.called(call)[:1].isupper() and not self.models.is_one(self.text.called(call))
        taken = self.models.wrap(call) if wraps else self.models.model_in([], call) is not None
        return [] if taken else None

    def uncertain(self, call: ast.Call) -> Iterator[IgnoredLine | ast.Call]:
        """Judges a call that Python may run never or many times: in a loop, a condition, a function."""
        if self.models.is_one(self.text.called(call)):
            yield call
        on, method = root(self.models.chain(call)[0]), method_of(call)
        if method not in CHANGING or not on:
            return
        model = self.models.named.get(on)
        if model and (method != "fit" or self.models.is_network(model)):
            instead = INSTEAD.get(method, "it on its own line")
            refuse(call, f"{on}.{method}(…) {UNCERTAIN} {instead}.")
        if model or not self.text.knows(on):
            yield from self._training_data(call) if method == "fit" else ()
        if model is None and method != "add" and not self.text.knows(on):
            yield self.text.ignore(call, IN_FUNCTION, AS_CONSTRUCTED)

    def trained_by_function(self, call: ast.Call) -> Iterator[IgnoredLine]:
        """A network passed to a function that trains it, going by the function's name."""
        models = [self.models.named.get(node.id) for node in call.args if isinstance(node, ast.Name)]
        if TRAINS.match(self.text.called(call)) and any(model and self.models.is_network(model) for model in models):
            yield self.text.ignore(call, IN_FUNCTION, AS_CONSTRUCTED)

    def _refuse_other_name(self, node: ast.AST) -> None:
        """Refuses `add = model.add`: calls by that other name would be missed."""
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=method) if (
                method in CHANGING and name in self.models.named
            ):
                refuse(node, f"{name}.{method} under another name is not supported: call {name}.{method}(…) directly.")

    def _training_data(self, fit: ast.Call) -> Iterator[IgnoredLine]:
        """Judges the images and labels that `fit` is given: are they all of them, and unchanged?"""
        images = [*fit.args[:1], *(keyword.value for keyword in fit.keywords if keyword.arg in ("x", "X"))]
        labels = [*fit.args[1:2], *(keyword.value for keyword in fit.keywords if keyword.arg == "y")]
        for node in map(self.text.resolve, [*images, *labels]):
            self.text.mark_unused(node)  # the training uses it, not the model: its own line is judged too
            if node not in self._judged:
                self._judged.add(node)
                yield from data_changes(self.text, node, node if node.lineno else fit)
        for label in labels:
            if isinstance(label, ast.Name) and not self.text.knows(label.id) and ONE_DIGIT.search(label.id):
                yield self.text.ignore(fit, "the labels here are always the ten digits")


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of an expression; of a called method's name, only the expression before the last dot."""
    for child in ast.iter_child_nodes(node):
        called = isinstance(node, ast.Call) and child is node.func and isinstance(child, ast.Attribute)
        yield child.value if called and isinstance(child, ast.Attribute) else child


def _runs_once(node: ast.AST, child: ast.AST) -> bool:
    """Whether this part of an expression runs exactly once each time that the whole does."""
    match node:
        case ast.IfExp(test=first) | ast.BoolOp(values=[first, *_]):
            return child is first
    return not isinstance(node, REPEATING)
