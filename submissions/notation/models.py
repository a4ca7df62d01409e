"""The models of a text, constructors and pipelines, and the names that they are bound to."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from submissions.notation.draft import Model
from submissions.notation.literals import Text, refuse
from submissions.notation.pipelines import PIPELINES, model_of, stages, step_call
from submissions.specs.families import family_named

MAX_MODELS = 20
MAX_CHAIN = 20
TRAINING = frozenset({"add", "compile", "fit"})
# Methods that change a model after its constructor, or train it.
CHANGING = TRAINING | {"pop", "set_params", "partial_fit", "fit_generator", "train_on_batch"}
# Calls that return a copy of the model that they are given.
CLONING = frozenset({"clone", "clone_model", "deepcopy"})


class Models:
    """`found` holds the models in order; `wrapped` the searches and votes over models, and `tried` those models."""

    def __init__(self, text: Text, constructors: Mapping[str, str]) -> None:
        self.text = text
        self.constructors = constructors
        self.found: list[Model] = []
        self.named: dict[str, Model] = {}
        self.wrapped: list[ast.Call] = []
        self.tried: list[Model] = []
        self._created: dict[ast.Call, Model] = {}

    def is_one(self, name: str) -> bool:
        """Whether calling this name creates a model."""
        return name in self.constructors or name in PIPELINES

    def used(self, names: list[str], call: ast.Call) -> tuple[Model, list[ast.Call]] | None:
        """The model that methods are called on, by its name or directly on its constructor, and the calls in order."""
        on, chain = self.chain(call)
        owner = self.model_in(names if len(chain) == 1 else [], on) if chain else None
        if owner is None and chain and isinstance(on, ast.Name):
            owner = self._named(on.id, self.text.called(chain[0]))
        return (owner, chain) if owner else None

    def chain(self, call: ast.Call) -> tuple[ast.expr, list[ast.Call]]:
        """The expression that a chain of methods is called on, and the calls in order."""
        chain: list[ast.Call] = []
        on: ast.expr = call
        while isinstance(on, ast.Call) and isinstance(on.func, ast.Attribute) and len(chain) < MAX_CHAIN:
            if self.is_one(self.text.called(on)):
                break
            chain.append(on)
            on = on.func.value
        if len(chain) == MAX_CHAIN:
            refuse(call, f"this chains more than {MAX_CHAIN} method calls.")
        return on, chain[::-1]

    def has_changing_call(self, call: ast.Call) -> bool:
        """Whether this chain has a method that changes or trains a model."""
        return any(method_of(one) in CHANGING for one in self.chain(call)[1])

    def _named(self, name: str, method: str) -> Model | None:
        """The model of this name. A name that is trained but never bound means the last model, if that has no name."""
        nameless = bool(self.found) and all(named is not self.found[-1] for named in self.named.values())
        if nameless and method in TRAINING and not self.text.knows(name):
            self.named[name] = self.found[-1]
        return self.named.get(name)

    def model_in(self, names: list[str], node: ast.expr) -> Model | None:
        """The model that an expression creates or names."""
        if isinstance(node, ast.Name):
            return self.named.get(node.id)
        if not isinstance(node, ast.Call):
            return None
        name = self.text.called(node)
        if name in self.constructors:
            return self.add(names, node)
        if name in PIPELINES:
            return self.pipeline(names, node)
        return self.model_in([], node.args[0]) if name in CLONING and node.args else None

    def alias(self, names: list[str], node: ast.expr) -> bool:
        """Gives a model these further names, if the expression is its name or a clone of it; returns whether it is."""
        cloned = isinstance(node, ast.Call) and self.text.called(node) in CLONING
        model = self.model_in([], node) if cloned or isinstance(node, ast.Name) else None
        if model:
            self.named.update(dict.fromkeys(names, model))
        return model is not None

    def is_network(self, model: Model) -> bool:
        """Whether the calls after the constructor are part of the model."""
        return family_named(model.family).read is not None

    def add(self, names: list[str], call: ast.Call) -> Model:
        if call not in self._created:
            if len(self.found) >= MAX_MODELS:
                refuse(call, f"there are more than {MAX_MODELS} models: paste only the one that you want.")
            self._created[call] = Model(self.text, self.constructors[self.text.called(call)], call)
            self.found.append(self._created[call])
        self.named.update(dict.fromkeys(names, self._created[call]))
        return self._created[call]

    def add_from_parameters(self, parameters: ast.Dict) -> Model | None:
        """The model in a printed dictionary of parameters, such as `best_params_`; None if the dictionary is empty."""
        if model := model_of(self.text, parameters):
            self.found.append(model)
        return model

    def unbind(self, name: str) -> None:
        self.named.pop(name, None)

    def pipeline(self, names: list[str], call: ast.Call) -> Model:
        """The model at the end of a pipeline, with the steps before it."""
        if call in self._created:
            return self._created[call]
        *before, last = stages(self.text, call) or [call]
        inner = self.model_in([], last) if last is not call else None
        if inner is None:
            refuse(last, f"a pipeline must end with a model: {', '.join(self.constructors)}.")
        steps = [*(step_call(self.text, step) for step in before), *inner.steps]
        model = self._created[call] = Model(self.text, inner.family, inner.call, steps)
        self._replace([inner], [model])
        self.named.update(dict.fromkeys(names, model))
        return model

    def _replace(self, inner: list[Model], by: list[Model]) -> None:
        """Drops models that are part of another one, unless they were also trained on their own."""
        kept = [model for model in self.found if model not in inner or any(use.name == "fit" for use in model.uses)]
        self.found[:] = [*kept, *by]

    def wrap(self, call: ast.Call) -> bool:
        """Records a search or vote over models, which then are not submissions; returns whether the call is one."""
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        inner = [model for node in given for model in self._listed(node)]
        if inner:
            self.wrapped.append(call)
            self.tried += inner
            self._replace(inner, [])
        return bool(inner)

    def _listed(self, node: ast.expr) -> Iterator[Model]:
        """The models in an argument: itself, or those listed in it."""
        waiting = [node]
        while waiting:
            part = waiting.pop()
            if isinstance(part, ast.Name) and part.id not in self.named:
                part = self.text.resolve(part)
            if isinstance(part, ast.Name | ast.Call) and (model := self.model_in([], part)):
                yield model
            elif isinstance(part, ast.List | ast.Tuple):
                waiting += part.elts
            elif isinstance(part, ast.Dict):
                waiting += part.values
            elif isinstance(part, ast.Call) and self.text.called(part)[:1].isupper():
                waiting += [*part.args, *(keyword.value for keyword in part.keywords)]


def method_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""
