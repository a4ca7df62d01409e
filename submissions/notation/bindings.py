"""What statements bind, and to what; and what stands before the dots and brackets of a name."""

from __future__ import annotations

import ast

from submissions.notation.literals import walked


def pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """`a, b = 1, 2` as its pairs."""
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        return list(zip(target.elts, value.elts, strict=False)) if len(target.elts) == len(value.elts) else []
    return []


def names(*targets: ast.expr) -> list[str]:
    return [part.id for target in targets for part in walked(target) if isinstance(part, ast.Name)]


def bound(statement: ast.Assign | ast.AugAssign) -> tuple[list[ast.expr], ast.expr]:
    """The targets, and what they stand for after the statement."""
    if isinstance(statement, ast.Assign):
        return statement.targets, statement.value
    target = statement.target
    before = ast.copy_location(ast.Name(target.id, ast.Load()), target) if isinstance(target, ast.Name) else target
    return [target], ast.copy_location(ast.BinOp(before, statement.op, statement.value), statement)


def root(node: ast.expr) -> str:
    """`model` of `model.layers[0].units`; empty if it begins with no name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
