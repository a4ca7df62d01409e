"""A model on its way from text to spec: where it stands, what is done with it, and what was read so far."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from submissions.notation.literals import Aside, Text


@dataclass(frozen=True, slots=True)
class Use:
    """A call in the text other than a model's constructor: `name` is its last part, `method` of the model or not."""

    name: str
    call: ast.Call


@dataclass(slots=True)
class Model:
    """A model's constructor in the text, the methods called on it after that, and the settings of the whole text.

    `steps` are the calls that make the steps of a pipeline before it.
    """

    text: Text
    family: str
    call: ast.Call
    steps: list[ast.Call] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    settings: list[Use] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """What a text says, before it is validated: the spec's data, the line of each field, and what was left aside."""

    data: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    asides: list[Aside] = field(default_factory=list)

    def leave(self, line: int, said: str, why: str = "") -> None:
        self.asides.append(Aside(line, said, why))
