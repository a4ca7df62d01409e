"""A model between text and spec: its constructor and calls, and the data read from them so far."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any, Self

from submissions.notation.literals import IgnoredLine, Text


@dataclass(frozen=True, slots=True)
class Use:
    """A call other than a model's constructor: a method of a model, or a function that sets something for all models.

    `name` is the last part of the called name.
    """

    name: str
    call: ast.Call


@dataclass(slots=True)
class Model:
    """A model's constructor in the text, the methods called on it, and the settings of the whole text.

    `steps` are the calls that create the steps of a pipeline before it.
    """

    text: Text
    family: str
    call: ast.Call
    steps: list[ast.Call] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    settings: list[Use] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """A spec's data before validation, the line of each field, and the lines that are ignored. `|` joins two drafts."""

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    ignored: list[IgnoredLine] = field(default_factory=list)

    @classmethod
    def ignoring(cls, number: int, text: str, why: str = "") -> Self:
        return cls(ignored=[IgnoredLine(number, text, why)])

    def __or__(self, other: Draft) -> Draft:
        return Draft(self.data | other.data, self.lines | other.lines, self.ignored + other.ignored)
