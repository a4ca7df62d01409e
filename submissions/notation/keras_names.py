"""Names in Keras code, given as strings or as objects, and arguments without a field in the spec."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from submissions.notation.literals import Text, refuse

# Accepted with any value: they only name things or print.
LEFT_OUT = frozenset({"name", "verbose"})


def word(text: Text, node: ast.expr) -> str | None:
    """Keras' name for `'relu'`, `tf.nn.relu`, `keras.activations.relu` or `HeNormal()`; None for an empty one."""
    node = text.resolve(node)
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str)):
        return snake(node.value) if node.value else None
    if isinstance(node, ast.Call):
        if node.args or node.keywords:
            refuse(node, f"{text.called(node) or 'this'} with parameters is not supported: use only its name.")
        return snake(text.called(node))
    if parts := text.dotted(node):
        return snake(parts[-1])
    refuse(node, "this is not a name.")


def snake(name: str) -> str:
    """`HeNormal` as he_normal; lower-case names are unchanged."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def check_only(
    text: Text, given: Mapping[str, ast.expr], only: Mapping[str, tuple[object, ...]]
) -> dict[str, ast.expr]:
    """The remaining arguments, after checking that each argument of `only` has one of its harmless values."""
    left = {name: node for name, node in given.items() if name not in LEFT_OUT}
    for name, allowed in only.items():
        if name not in left:
            continue
        node = left.pop(name)
        resolved = text.resolve(node)
        value = text.literal(resolved) if not isinstance(resolved, ast.Call) else resolved
        if not any(type(value) is type(one) and value == one for one in allowed):
            refuse(node, f"{name} must be {' or '.join(map(repr, allowed))}: remove it.", name)
    return left
