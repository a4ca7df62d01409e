"""What a text does with its models once they are made: on lines of their own, within expressions, and where nobody can
say how often Python comes by.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from submissions.notation.asides import changes
from submissions.notation.bindings import root
from submissions.notation.draft import Model, Use
from submissions.notation.literals import AS_MADE, Aside, Text, refuse
from submissions.notation.models import CHANGING, Models, method_of

UNSURE = "within a loop, a condition or a function is not read: write"
INSTEAD = {
    "add": "each layer on a line of its own, model.add(Dense(64))",
    "fit": "it on a line of its own, with all its epochs",
}
UNREAD = "a function's training is not read: write compile and fit on lines of their own"
TRAINS = re.compile(r"(?i)\w{0,30}(?:train|fit|compile)")
LOOPS = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# y_train_5, as people call labels that say of each image whether it is a five.
ONE_DIGIT = re.compile(r"_\d$")


class Uses:
    """`asides` is where lines go that are left aside."""

    def __init__(self, text: Text, models: Models, asides: list[Aside]) -> None:
        self.text = text
        self.models = models
        self.asides = asides
        self.in_doubt: list[ast.Call] = []
        self._judged: set[ast.expr] = set()

    def of(self, model: Model, calls: list[ast.Call]) -> None:
        """The methods that are called on a model, in order."""
        for call in calls:
            model.uses.append(Use(method_of(call), call))
            if method_of(call) == "fit":
                self.asides += self._data_of(call)

    def within(self, *nodes: ast.AST) -> None:
        """The models that stand somewhere in expressions, and what is done with models there."""
        waiting: list[tuple[ast.AST, bool]] = [(node, True) for node in reversed(nodes)]
        while waiting:
            node, sure = waiting.pop()
            if isinstance(node, ast.Call) and self._taken(node, sure=sure):
                continue
            self._refuse_other_name(node)
            waiting += [(child, sure and _once(node, child)) for child in reversed(list(_parts(node)))]

    def within_call(self, call: ast.Call) -> None:
        """The same of what a call is given, and of what it is called on."""
        self.within(*_parts(call))

    def _taken(self, call: ast.Call, *, sure: bool) -> bool:
        """Whether a call within an expression is a model, is done with one, or tries several."""
        if not sure:
            self.asides += self.perhaps(call)
            return False
        if self.models.changed(call) and (used := self.models.used([], call)):
            self.of(*used)
            return True
        wraps = self.text.called(call)[:1].isupper() and not self.models.is_one(self.text.called(call))
        return self.models.wrap(call) if wraps else self.models.made([], call) is not None

    def perhaps(self, call: ast.Call) -> Iterator[Aside]:
        """What a call does where Python comes by never or many times: in a loop, a condition, a function."""
        if self.models.is_one(self.text.called(call)):
            self.in_doubt.append(call)
        on, method = root(self.models.chain(call)[0]), method_of(call)
        if method not in CHANGING or not on:
            return
        model = self.models.named.get(on)
        if model and (method != "fit" or self.models.is_network(model)):
            instead = INSTEAD.get(method, "it on a line of its own")
            refuse(call, f"{on}.{method}(…) {UNSURE} {instead}.")
        if model or not self.text.knows(on):
            yield from self._data_of(call) if method == "fit" else ()
        if model is None and method != "add" and not self.text.knows(on):
            yield self.text.aside(call, UNREAD, AS_MADE)

    def handed_over(self, call: ast.Call) -> Iterator[Aside]:
        """A network that is given to a function which trains it, going by its name."""
        models = [self.models.named.get(node.id) for node in call.args if isinstance(node, ast.Name)]
        if TRAINS.match(self.text.called(call)) and any(model and self.models.is_network(model) for model in models):
            yield self.text.aside(call, UNREAD, AS_MADE)

    def _refuse_other_name(self, node: ast.AST) -> None:
        """`add = model.add`: what is called by that name afterwards would not be seen."""
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=method) if (
                method in CHANGING and name in self.models.named
            ):
                refuse(node, f"{name}.{method} by another name is not read: call {name}.{method}(…) itself.")

    def _data_of(self, fit: ast.Call) -> Iterator[Aside]:
        """The images and labels that `fit` is given: all of them, and as they come?"""
        images = [*fit.args[:1], *(keyword.value for keyword in fit.keywords if keyword.arg in ("x", "X"))]
        labels = [*fit.args[1:2], *(keyword.value for keyword in fit.keywords if keyword.arg == "y")]
        for node in map(self.text.resolve, [*images, *labels]):
            self.text.used.discard(node)  # by the training, not by the model: it is judged by itself too
            if node not in self._judged:
                self._judged.add(node)
                yield from changes(self.text, node, node if node.lineno else fit)
        for label in labels:
            if isinstance(label, ast.Name) and not self.text.knows(label.id) and ONE_DIGIT.search(label.id):
                yield self.text.aside(fit, "the labels are all ten classes here")


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """What an expression is made of; of a call's own name only what stands before its last part."""
    for child in ast.iter_child_nodes(node):
        called = isinstance(node, ast.Call) and child is node.func and isinstance(child, ast.Attribute)
        yield child.value if called and isinstance(child, ast.Attribute) else child


def _once(node: ast.AST, child: ast.AST) -> bool:
    """Whether this part of an expression is computed exactly once whenever the whole is."""
    match node:
        case ast.IfExp(test=first) | ast.BoolOp(values=[first, *_]):
            return child is first
    return not isinstance(node, LOOPS)
