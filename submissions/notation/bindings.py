"""Names that statements bind, and the values that they bind them to."""

from __future__ import annotations

import ast

from submissions.notation.literals import walked


def name_pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """`a, b = 1, 2` as its (target, value) pairs; empty for any other assignment."""
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        return list(zip(target.elts, value.elts, strict=False)) if len(target.elts) == len(value.elts) else []
    return []


def names(*targets: ast.expr) -> list[str]:
    """Every name in the targets, in order."""
    return [part.id for target in targets for part in walked(target) if isinstance(part, ast.Name)]


def targets_and_value(statement: ast.Assign | ast.AugAssign) -> tuple[list[ast.expr], ast.expr]:
    """The targets of an assignment and their new value; `k += 1` reads as `k = k + 1`."""
    if isinstance(statement, ast.Assign):
        return statement.targets, statement.value
    target = statement.target
    before = ast.copy_location(ast.Name(target.id, ast.Load()), target) if isinstance(target, ast.Name) else target
    return [target], ast.copy_location(ast.BinOp(before, statement.op, statement.value), statement)


def root(node: ast.expr) -> str:
    """`model` in `model.layers[0].units`; empty if the expression does not begin with a name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
