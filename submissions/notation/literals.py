"""Python text as data: names, calls and literal values. The text is parsed, never run.

Anybody may send a text, so everything here is bounded: its length, depth and number of words, the size of a number, and
the number of nodes visited in all (lists of names bound to lists of names would otherwise double with every line).
"""

from __future__ import annotations

import ast
import operator
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from submissions.specs.spec import SpecError
from submissions.specs.validation import MAX_BYTES

MAX_DEPTH = 30
# Python's parser takes some 20 ms for this many words and signs; a network of 64 layers has 3,000. Its time for blank
# lines grows with their square.
MAX_WORDS = 6_000
MAX_LINES = 2_000
MAX_NODES = 6_000
MAX_BITS = 64
MAX_STATEMENTS = 600
# A node with a line number.
Place = ast.stmt | ast.expr | ast.excepthandler
# In `IgnoredLine.harmless_for`: models that are complete with their constructor, so that their fit adds nothing.
AS_CONSTRUCTED = "as constructed"

_WORD = re.compile(r"\w+|[^\w\s]")
# numpy's scalars print as calls: np.int64(3).
_SCALARS = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "intp", "float16"})
_SCALARS |= {"float32", "float64", "longdouble", "bool_", "bool", "str_", "int_", "float_"}
_NUMPY_WORDS = {"True_": True, "False_": False}

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


class NotationError(SpecError):
    """A text that is refused; `errors` holds {"field", "message"} dictionaries, and each message names the line."""


class NotPython(NotationError):
    """A text that Python cannot parse."""


@dataclass(frozen=True, slots=True, order=True)
class IgnoredLine:
    """An ignored part of a line, and `why` ignoring it may change the score; `why` is empty if it is harmless.

    `harmless_for` lists exceptions: families, data sets, AS_CONSTRUCTED, and values of `Spec.pixel_transforms`.
    """

    number: int
    text: str
    why: str = ""
    harmless_for: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"line {self.number}: {self.text}"

    def changes_score(self, known: Collection[str | None]) -> bool:
        return bool(self.why) and self.harmless_for.isdisjoint(known)


def refuse(node: ast.AST, message: str, field: str = "model") -> NoReturn:
    raise NotationError.of(field, f"Line {getattr(node, 'lineno', 1)}: {message}")


def within_bounds(source: str) -> str:
    """The text itself; NotationError if it is too long or too deeply nested."""
    if len(source) > MAX_BYTES or len(source.encode(errors="replace")) > MAX_BYTES:
        raise NotationError.of("model", f"This is too long: a model may have at most {MAX_BYTES // 1024} KB.")
    if source.count("\n") + source.count("\r") > MAX_LINES or len(_WORD.findall(source)) > MAX_WORDS:
        raise NotationError.of("model", "This is too long: paste only the model's lines.")
    if _depth(source) > MAX_DEPTH:
        raise NotationError.of(
            "model", f"This is nested too deeply: the limit is {MAX_DEPTH} brackets inside one another."
        )
    return source


def statements(source: str) -> list[ast.stmt]:
    """The statements of the text; NotationError if it is not Python, too long or too deep."""
    within_bounds(source)
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        # Python's own message about a number of thousands of digits says how to lift the limit.
        why = "this number is too large" if "digits" in error.msg else f"this is not Python ({error.msg})"
        raise NotPython.of("model", f"Line {error.lineno or 1}: {why}.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotationError.of(
            "model", "This Python cannot be parsed: it is nested too deeply or has invalid characters."
        ) from error
    if len(body) > MAX_STATEMENTS:
        refuse(body[MAX_STATEMENTS], "this is too long: paste only the model's lines.")
    return body


def walked(node: ast.AST) -> list[ast.AST]:
    """The node and all of its descendants, in the order of `ast.walk` but three times as fast.

    Leaves out the load and store contexts.
    """
    found = [node]
    for part in found:
        for name in part._fields:
            value = getattr(part, name, None) if name != "ctx" else None
            if isinstance(value, list):
                found += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                found.append(value)
    return found


def _depth(source: str) -> int:
    deepest = depth = 0
    for character in source:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return deepest


class Text:
    """The names that a text binds, and the values of its expressions."""

    def __init__(self, source: str) -> None:
        self.lines = source.split("\n")
        # By name: the end of each binding's statement, in order, and the bound values.
        self._bindings: dict[str, tuple[list[tuple[int, int]], list[ast.expr]]] = {}
        self._aliases: dict[str, str] = {}
        self._nodes_left = MAX_NODES
        self.used: set[ast.expr] = set()

    def line_at(self, node: Place) -> str:
        """The line where the node begins, cut to 80 characters."""
        shown = self.lines[node.lineno - 1].strip() if node.lineno <= len(self.lines) else ""
        return shown if len(shown) <= 80 else f"{shown[:80]}…"

    def ignore(self, node: Place, why: str = "", *harmless_for: str) -> IgnoredLine:
        return IgnoredLine(node.lineno, self.line_at(node), why, frozenset(harmless_for))

    def bind(self, name: str, statement: Place, value: ast.expr) -> None:
        """Binds the name from the end of this statement on. Statements must come in their order."""
        ends, values = self._bindings.setdefault(name, ([], []))
        ends.append((statement.end_lineno or statement.lineno, statement.end_col_offset or 0))
        values.append(value)

    def forget(self, name: str, statement: Place) -> None:
        """Binds the name to an unknown value."""
        changed = ast.Name(f"{name}, which this line changes,", ast.Load())
        self.bind(name, statement, ast.copy_location(changed, statement))

    def knows(self, name: str) -> bool:
        """Whether a line so far binds or imports the name."""
        return name in self._bindings or name in self._aliases

    def import_as(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            whole = alias.name if alias.asname else alias.name.split(".")[0]
            self._aliases[alias.asname or whole] = whole

    def resolve(self, node: ast.expr) -> ast.expr:
        """The value bound to a name at this place, or the expression itself. Marks the value as used."""
        while isinstance(node, ast.Name):
            self.count_visits(node)
            ends, values = self._bindings.get(node.id, ([], []))
            place = bisect_right(ends, (node.lineno, node.col_offset))
            if not place:
                return node
            node = values[place - 1]
            self.used.add(node)
        return node

    def mark_unused(self, node: ast.expr) -> None:
        self.used.discard(node)

    def dotted(self, node: ast.expr) -> list[str]:
        """The parts of `tf.keras.layers.Dense`; empty if the expression is not a name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return []
        return [*self._aliases.get(node.id, node.id).split("."), *reversed(parts)]

    def called(self, call: ast.Call) -> str:
        """The last part of the called name; empty if a call is on something else."""
        return (self.dotted(call.func) or [""])[-1]

    def arguments(self, call: ast.Call, positional: tuple[str, ...]) -> dict[str, ast.expr]:
        """The call's arguments by name."""
        name = self.called(call)
        if len(call.args) > len(positional):
            takes = f"only {', '.join(positional)} by position" if positional else "its parameters by name only"
            refuse(call.args[len(positional)], f"{name} takes {takes}.")
        given = dict(zip(positional, call.args, strict=False))
        for key, value in self._keywords(call):
            if key in given:
                refuse(value, f"{key} is given twice.", key)
            given[key] = value
        return given

    def _keywords(self, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
        """The keyword arguments; also those of `**best`, if `best` is a dictionary in the text."""
        for keyword in call.keywords:
            if keyword.arg is not None:
                yield keyword.arg, keyword.value
                continue
            spread = self.resolve(keyword.value)
            if not isinstance(spread, ast.Dict):
                refuse(keyword.value, f"{self.called(call)}(**…) is not supported: write the parameters out.")
            for key, value in zip(spread.keys, spread.values, strict=True):
                self.count_visits(value)
                if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                    refuse(keyword.value, f"{self.called(call)}(**…) is not supported: write the parameters out.")
                yield key.value, value

    def literal(self, node: ast.expr, depth: int = 0) -> Any:
        """The value of an expression of literals; tuples become lists, and a dictionary's keys become strings."""
        self.count_visits(node)
        if depth > MAX_DEPTH:
            refuse(node, "this is nested too deeply.")
        node = self.resolve(node)
        match node:
            case ast.Constant(value=value) if value is ...:
                refuse(node, "... leaves out parameters: write them all.")
            case ast.Constant(value=value) if value is None or isinstance(value, str | bool | int | float):
                return _bounded(node, value)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return [self.literal(item, depth + 1) for item in items]
            case ast.Dict(keys=keys, values=values):
                named = (self._key(node, key, depth) for key in keys)
                return {name: self.literal(value, depth + 1) for name, value in zip(named, values, strict=True)}
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                value = self._number(operand, depth)
                return -value if isinstance(sign, ast.USub) else value
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _computed(node, op, self._number(left, depth), self._number(right, depth))
            case ast.Call(args=[inner], keywords=[]) if self._is_numpy(node.func, _SCALARS):
                return self.literal(inner, depth + 1)
            case ast.Attribute(attr=name) if self._is_numpy(node, _NUMPY_WORDS):
                return _NUMPY_WORDS[name]
        refuse(node, f"{_name_of(self, node)} is not a plain value.")

    def is_plain(self, node: ast.expr) -> bool:
        """Whether the expression consists of literals only."""
        try:
            self.literal(node)
        except NotationError:
            return False
        return True

    def _is_numpy(self, node: ast.expr, names: Container[str]) -> bool:
        parts = self.dotted(node)
        return len(parts) == 2 and parts[0] in ("np", "numpy") and parts[1] in names

    def _number(self, node: ast.expr, depth: int) -> int | float:
        value = self.literal(node, depth + 1)
        if isinstance(value, bool) or not isinstance(value, int | float):
            refuse(node, "only numbers can be calculated with.")
        return value

    def _key(self, node: ast.expr, key: ast.expr | None, depth: int) -> str:
        value = self.literal(key, depth + 1) if key else None
        if isinstance(value, bool) or not isinstance(value, int | str):
            refuse(node, "a dictionary's keys must be whole numbers or strings.")
        return str(value)

    def count_visits(self, node: ast.AST, number: int = 1) -> None:
        """Counts visited nodes over all models and blocks, which bounds the time that any text can take."""
        self._nodes_left -= number
        if self._nodes_left < 0:
            refuse(node, "this is too large to read: paste only the model's lines.")


def _bounded(node: ast.expr, value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        refuse(node, "this number is too large.")
    return value


def _computed(node: ast.expr, op: ast.operator, left: int | float, right: int | float) -> int | float:
    if isinstance(op, ast.Pow) and (abs(right) > MAX_BITS or abs(left) > 2**MAX_BITS):
        refuse(node, "this number is too large.")
    try:
        value = _ARITHMETIC[type(op)](left, right)
    except ArithmeticError as error:
        refuse(node, f"this cannot be computed ({error}).")
    if isinstance(value, complex):
        refuse(node, "this is not a real number.")
    return _bounded(node, value)


def _name_of(text: Text, node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return f"{text.called(node) or 'this call'}(…)"
    if parts := text.dotted(node):
        return ".".join(parts)[:60]
    return f"this {type(node).__name__}"
