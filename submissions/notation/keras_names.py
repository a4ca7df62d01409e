"""Words of Keras code: names given as text or as objects, and arguments that a spec has no field for."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from submissions.notation.literals import Text, refuse

# Any value does: they name things or print, and change no score.
LEFT_OUT = frozenset({"name", "verbose"})


def word(text: Text, node: ast.expr) -> str | None:
    """`'relu'`, `tf.nn.relu`, `keras.activations.relu` or `HeNormal()` as the name that Keras knows it by."""
    node = text.resolve(node)
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str)):
        return snake(node.value) if node.value else None
    if isinstance(node, ast.Call):
        if node.args or node.keywords:
            refuse(node, f"{text.called(node) or 'this'} with parameters is not offered: give its name alone.")
        return snake(text.called(node))
    if parts := text.dotted(node):
        return snake(parts[-1])
    refuse(node, "this is not a name.")


def snake(name: str) -> str:
    """`HeNormal` as he_normal; what is in lower case already stays."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def check_only(
    text: Text, given: Mapping[str, ast.expr], only: Mapping[str, tuple[object, ...]]
) -> dict[str, ast.expr]:
    """The arguments that are left once those of `only` are seen to hold one of the values that change nothing."""
    left = {name: node for name, node in given.items() if name not in LEFT_OUT}
    for name, allowed in only.items():
        if name not in left:
            continue
        node = left.pop(name)
        resolved = text.resolve(node)
        value = text.literal(resolved) if not isinstance(resolved, ast.Call) else resolved
        if not any(type(value) is type(one) and value == one for one in allowed):
            refuse(node, f"{name} is offered as {' or '.join(map(repr, allowed))} only: leave it out.", name)
    return left
