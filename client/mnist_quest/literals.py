"""Writes values as Python literals, NumPy scalars included: the service evaluates nothing."""

from __future__ import annotations

import inspect
import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from mnist_quest.errors import NotExpressible

SMALL = 100  # values; a longer array is refused


def plain(value: Any, name: str) -> Any:
    """`value` with NumPy scalars and small arrays as Python values. Raises NotExpressible, which names `name`."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Mapping):
        return {plain(key, name): plain(item, name) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [plain(item, name) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if type(value).__module__.split(".")[0] == "numpy" and hasattr(value, "tolist"):
        return _from_numpy(value, name)
    if isinstance(value, (int, float)):
        return _finite(value, name)
    raise NotExpressible(f"{name}: {_why_not(value)}")


def literal(value: Any, name: str) -> str:
    return repr(plain(value, name))


def changed(shape: Any, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The `values` that the constructor `shape` takes and that differ from its defaults, in its order."""
    for name, parameter in parameters(shape).items():
        if name in values and not _same(values[name], parameter.default):
            yield name, values[name]


def parameters(shape: Any) -> dict[str, inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = inspect.signature(shape.__init__).parameters if inspect.isclass(shape) else {}
    return {name: found[name] for name in found if name != "self" and found[name].kind in kinds}


def single(value: float) -> float:
    """The shortest float that equals `value` in single precision: 0.01 for Keras' 0.009999999776482582."""
    try:
        packed = struct.pack("f", value)
        if struct.unpack("f", packed)[0] != value:
            return value
    except OverflowError:
        return value
    tries = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next((short for short in tries if struct.pack("f", short) == packed), value)


def _same(value: Any, default: Any) -> bool:
    if type(value).__module__.split(".")[0] == "numpy" and hasattr(value, "item") and getattr(value, "size", 2) == 1:
        value = value.item()
    if isinstance(value, (list, tuple)) and isinstance(default, (list, tuple)):
        return len(value) == len(default) and all(map(_same, value, default))
    if isinstance(value, (list, tuple)) and type(default) is int:
        return bool(value) and all(_same(item, default) for item in value)  # (3, 3) means the same as 3
    if not (value is None or isinstance(value, (bool, int, float, str))):
        return False
    # True == 1 in Python, but not as a parameter.
    return bool(value == default) and isinstance(value, bool) == isinstance(default, bool)


def _from_numpy(value: Any, name: str) -> Any:
    if type(value).__name__ in ("RandomState", "Generator"):
        raise NotExpressible(f"{name}: {_why_not(value)}")
    if getattr(value, "size", 1) > SMALL:
        raise NotExpressible(f"{name} is an array of {value.size} values: write the parameter out.")
    return plain(value.tolist(), name)


def _finite(value: Any, name: str) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise NotExpressible(f"{name} is {value}: give a finite number.")
    return value


def _why_not(value: Any) -> str:
    kind = type(value).__name__
    if kind in ("RandomState", "Generator"):
        return f"a {kind} cannot be sent: give an integer, such as random_state=42."
    if callable(value):
        called = getattr(value, "__name__", kind)
        return f"{called} is code, which the service does not run: give a name that it knows."
    return f"a {kind} cannot be written as a plain value: give a number, a string or None."
