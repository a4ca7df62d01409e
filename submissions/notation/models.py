"""The models of a text: constructors and pipelines, by the names that they are given."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from submissions.notation.draft import Model
from submissions.notation.literals import Text, refuse
from submissions.notation.pipelines import PIPELINES, stages, step_call
from submissions.specs.families import family_named

MOST_MODELS = 20
LONGEST_CHAIN = 20
TRAINING = frozenset({"add", "compile", "fit"})
# Methods after which a model is another one than its constructor says, or is trained otherwise.
CHANGING = TRAINING | {"pop", "set_params", "partial_fit", "fit_generator", "train_on_batch"}
# Calls that give the model that they are given once more.
CLONING = frozenset({"clone", "clone_model", "deepcopy"})


class Models:
    """`found` in order; `wrapped` are the searches and votes that were made over some, which are the ones `tried`."""

    def __init__(self, text: Text, constructors: Mapping[str, str]) -> None:
        self.text = text
        self.constructors = constructors
        self.found: list[Model] = []
        self.named: dict[str, Model] = {}
        self.wrapped: list[ast.Call] = []
        self.tried: list[Model] = []
        self._made: dict[ast.Call, Model] = {}

    def is_one(self, name: str) -> bool:
        return name in self.constructors or name in PIPELINES

    def used(self, names: list[str], call: ast.Call) -> tuple[Model, list[ast.Call]] | None:
        """The model that methods are called on, by its name or right behind its constructor, and the calls in order."""
        on, chain = self.chain(call)
        owner = self.made(names if len(chain) == 1 else [], on) if chain else None
        if owner is None and chain and isinstance(on, ast.Name):
            owner = self._meant(on.id, self.text.called(chain[0]))
        return (owner, chain) if owner else None

    def chain(self, call: ast.Call) -> tuple[ast.expr, list[ast.Call]]:
        """What methods are called on, one behind the other, and their calls in order."""
        chain: list[ast.Call] = []
        on: ast.expr = call
        while isinstance(on, ast.Call) and isinstance(on.func, ast.Attribute) and len(chain) < LONGEST_CHAIN:
            if self.is_one(self.text.called(on)):
                break
            chain.append(on)
            on = on.func.value
        if len(chain) == LONGEST_CHAIN:
            refuse(call, f"this calls more than {LONGEST_CHAIN} methods behind one another.")
        return on, chain[::-1]

    def changed(self, call: ast.Call) -> bool:
        """Whether methods are called here that change or train what they are called on."""
        return any(method_of(one) in CHANGING for one in self.chain(call)[1])

    def _meant(self, name: str, method: str) -> Model | None:
        """The last model, if the text gave it no name and trains one that it never made: only that can be meant."""
        nameless = bool(self.found) and all(named is not self.found[-1] for named in self.named.values())
        if nameless and method in TRAINING and not self.text.knows(name):
            self.named[name] = self.found[-1]
        return self.named.get(name)

    def made(self, names: list[str], node: ast.expr) -> Model | None:
        """The model that an expression stands for."""
        if isinstance(node, ast.Name):
            return self.named.get(node.id)
        if not isinstance(node, ast.Call):
            return None
        name = self.text.called(node)
        if name in self.constructors:
            return self.add(names, node)
        if name in PIPELINES:
            return self.pipeline(names, node)
        return self.made([], node.args[0]) if name in CLONING and node.args else None

    def again(self, names: list[str], node: ast.expr) -> bool:
        """Whether the expression is a model by its name, or a clone of one, which has these names as well."""
        cloned = isinstance(node, ast.Call) and self.text.called(node) in CLONING
        model = self.made([], node) if cloned or isinstance(node, ast.Name) else None
        if model:
            self.named.update(dict.fromkeys(names, model))
        return model is not None

    def is_network(self, model: Model) -> bool:
        """Whether what is done with the model after it was made is part of it."""
        return family_named(model.family).read is not None

    def add(self, names: list[str], call: ast.Call) -> Model:
        if call not in self._made:
            if len(self.found) >= MOST_MODELS:
                refuse(call, f"there are more than {MOST_MODELS} models: paste the one that you mean.")
            self._made[call] = Model(self.text, self.constructors[self.text.called(call)], call)
            self.found.append(self._made[call])
        self.named.update(dict.fromkeys(names, self._made[call]))
        return self._made[call]

    def pipeline(self, names: list[str], call: ast.Call) -> Model:
        """The model at the end of a pipeline, with the steps before it."""
        if call in self._made:
            return self._made[call]
        *before, last = stages(self.text, call) or [call]
        inner = self.made([], last) if last is not call else None
        if inner is None:
            refuse(last, f"a pipeline ends with a model: {', '.join(self.constructors)}.")
        steps = [*(step_call(self.text, step) for step in before), *inner.steps]
        model = self._made[call] = Model(self.text, inner.family, inner.call, steps)
        self._replace([inner], [model])
        self.named.update(dict.fromkeys(names, model))
        return model

    def _replace(self, inner: list[Model], by: list[Model]) -> None:
        """Models that are part of another one are none of their own, unless they were trained by themselves."""
        kept = [model for model in self.found if model not in inner or any(use.name == "fit" for use in model.uses)]
        self.found[:] = [*kept, *by]

    def wrap(self, call: ast.Call) -> bool:
        """Whether this is a search, a vote or the like over models: they are no submissions of their own."""
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        inner = [model for node in given for model in self._listed(node)]
        if inner:
            self.wrapped.append(call)
            self.tried += inner
            self._replace(inner, [])
        return bool(inner)

    def _listed(self, node: ast.expr) -> Iterator[Model]:
        """The models that an argument is, or that are listed in it."""
        waiting = [node]
        while waiting:
            part = waiting.pop()
            if isinstance(part, ast.Name) and part.id not in self.named:
                part = self.text.resolve(part)
            if isinstance(part, ast.Name | ast.Call) and (model := self.made([], part)):
                yield model
            elif isinstance(part, ast.List | ast.Tuple):
                waiting += part.elts
            elif isinstance(part, ast.Dict):
                waiting += part.values
            elif isinstance(part, ast.Call) and self.text.called(part)[:1].isupper():
                waiting += [*part.args, *(keyword.value for keyword in part.keywords)]


def method_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""
