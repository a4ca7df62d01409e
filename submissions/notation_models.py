"""The models of a text: constructors and pipelines, by the names that they are given."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from submissions.notation_draft import Model
from submissions.notation_pipeline import PIPELINES, stages, step_call
from submissions.notation_text import Text, refuse

MOST_MODELS = 20
LONGEST_CHAIN = 20
TRAINING = frozenset({"add", "compile", "fit"})


class Models:
    """`found` in order; `wrapped` are the searches and votes that were made over some."""

    def __init__(self, text: Text, constructors: Mapping[str, str]) -> None:
        self.text = text
        self.constructors = constructors
        self.found: list[Model] = []
        self.named: dict[str, Model] = {}
        self.wrapped: list[ast.Call] = []

    def is_one(self, name: str) -> bool:
        return name in self.constructors or name in PIPELINES

    def used(self, names: list[str], call: ast.Call) -> tuple[Model, list[ast.Call]] | None:
        """The model that methods are called on, by its name or right behind its constructor, and the calls in order."""
        chain: list[ast.Call] = []
        on: ast.expr = call
        while isinstance(on, ast.Call) and isinstance(on.func, ast.Attribute) and len(chain) < LONGEST_CHAIN:
            if self.is_one(self.text.called(on)):
                break
            chain.append(on)
            on = on.func.value
        owner = self.made(names if len(chain) == 1 else [], on) if chain else None
        if owner is None and chain and isinstance(on, ast.Name):
            owner = self._meant(on.id, self.text.called(chain[-1]))
        return (owner, chain[::-1]) if owner else None

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
        if isinstance(node, ast.Call) and self.text.called(node) in self.constructors:
            return self.add(names, node)
        if isinstance(node, ast.Call) and self.text.called(node) in PIPELINES:
            return self.pipeline(names, node)
        return None

    def add(self, names: list[str], call: ast.Call) -> Model:
        if len(self.found) >= MOST_MODELS:
            refuse(call, f"there are more than {MOST_MODELS} models: paste the one that you mean.")
        model = Model(self.text, self.constructors[self.text.called(call)], call)
        self.found.append(model)
        self.named.update(dict.fromkeys(names, model))
        return model

    def pipeline(self, names: list[str], call: ast.Call) -> Model:
        """The model at the end of a pipeline, with the steps before it."""
        *before, last = stages(self.text, call) or [call]
        inner = self.made([], last) if last is not call else None
        if inner is None:
            refuse(last, f"a pipeline ends with a model: {', '.join(self.constructors)}.")
        steps = [*(step_call(self.text, step) for step in before), *inner.steps]
        model = Model(self.text, inner.family, inner.call, steps)
        self._replace([inner], [model])
        self.named.update(dict.fromkeys(names, model))
        return model

    def _replace(self, inner: list[Model], by: list[Model]) -> None:
        """Models that are part of another one are none of their own, unless they were trained by themselves."""
        kept = [model for model in self.found if model not in inner or any(use.name == "fit" for use in model.uses)]
        self.found[:] = [*kept, *by]

    def inside(self, call: ast.Call) -> None:
        """The models that a function is given, made on the spot."""
        for node in call.args:
            if isinstance(node, ast.Call):
                self.made([], node)

    def wrap(self, call: ast.Call) -> None:
        """A search, a vote or the like over models: they are no submissions of their own."""
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        parts = [part for node in given for part in ast.walk(node)]
        inner = [model for part in parts if isinstance(part, ast.expr) and (model := self.made([], part))]
        if inner:
            self.wrapped.append(call)
            self._replace(inner, [])
