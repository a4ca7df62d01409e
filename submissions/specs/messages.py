"""pydantic's errors as messages for people: which field, what was given, and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pydantic

Schema = dict[str, Any]
MAX_ERRORS = 20  # errors that are reported: a text could have thousands


def refusals(error: pydantic.ValidationError, model: type[pydantic.BaseModel], data: object) -> list[dict[str, str]]:
    """One {"field", "message"} for each invalid field of `data`, the parsed JSON."""
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        if len(found) == MAX_ERRORS:
            break
        path = _path(detail["loc"], data, missing=detail["type"] == "missing")
        if path:
            found.setdefault(".".join(map(str, path)), _message(dict(detail), path, model, data))
    # pydantic also reports the list or union around an invalid value; only the value itself is worth reporting.
    inner = [field for field in found if not any(other.startswith(f"{field}.") for other in found)]
    return [{"field": field, "message": found[field]} for field in inner]


def allowed(model: type[pydantic.BaseModel], name: str) -> str:
    """The allowed values of a field, in words."""
    return _allowed(model, [name], None)


def shown(value: object, length: int = 60) -> str:
    """The value as Python writes it, cut to `length` characters."""
    try:
        text = repr(value)
    except ValueError:  # an int of thousands of digits
        return "this number"
    return text if len(text) <= length else f"{text[:length]}…"


def _path(loc: tuple[int | str, ...], data: object, *, missing: bool) -> list[int | str]:
    """`loc` without pydantic's tags for unions: it keeps the parts that exist in the data."""
    path: list[int | str] = []
    for position, part in enumerate(loc):
        inside, data = _part(data, part)
        if inside or (missing and position == len(loc) - 1):
            path.append(part)
    return path


def _part(data: Any, part: int | str) -> tuple[bool, Any]:
    """(True, the part) if the data has this part; else (False, the data itself)."""
    listed = isinstance(data, list) and isinstance(part, int) and part < len(data)
    return (True, data[part]) if listed or (isinstance(data, dict) and part in data) else (False, data)


def _message(detail: dict[str, Any], path: list[int | str], model: type[pydantic.BaseModel], data: object) -> str:
    kind = detail["type"]
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "extra_forbidden":
        return _unknown(str(path[-1]), _properties(model, path[:-1], data))
    if detail["loc"][-1] == "[key]":
        keys = _walk(_schema(model), path[:-1], data).get("propertyNames", {})
        return f"{path[-1]!r} is unknown: give {_described(keys, _schema(model))}."
    allowed = _allowed(model, path, data)
    if kind == "missing":
        return f"This is required: give {allowed}."
    if kind.startswith("union_tag"):
        tag, value = _tag(detail, _at(path, data))
        return (
            f"{tag} {shown(value)} is not supported: give {allowed}."
            if value is not None
            else f"Give a {tag}: {allowed}."
        )
    given = _at(path, data)
    bound = f" The service's limit is {detail['ctx']['le']:,}." if _exceeds_maximum(kind, given) else ""
    return f"{_named(given)} is not allowed: give {allowed}.{bound}"


def _exceeds_maximum(kind: str, given: object) -> bool:
    return kind == "less_than_equal" and isinstance(given, int)


def _named(value: object) -> str:
    return {"dict": "An object", "list": "A list"}.get(type(value).__name__) or shown(value)


def _tag(detail: dict[str, Any], given: object) -> tuple[str, object]:
    tag = str(detail["ctx"]["discriminator"]).strip("'")
    return tag, given.get(tag) if isinstance(given, dict) else None


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}."
    return f"This parameter is unknown: {hint}"


def _at(path: list[int | str], data: Any) -> Any:
    for part in path:
        data = data[part]
    return data


@cache
def _schema(model: type[pydantic.BaseModel]) -> Schema:
    return model.model_json_schema()


def _allowed(model: type[pydantic.BaseModel], path: list[int | str], data: object) -> str:
    root = _schema(model)
    return _described(_walk(root, path, data), root)


def _properties(model: type[pydantic.BaseModel], path: list[int | str], data: object) -> list[str]:
    properties = _walk(_schema(model), path, data).get("properties", {})
    return [name for name in properties if name not in ("family", "kind", "name")]


def _walk(root: Schema, path: list[int | str], data: Any) -> Schema:
    schema = _pick(root, data, root)
    for part in path:
        inside, value = _part(data, part)
        data = value if inside else None
        schema = _pick(_step(schema, part), data, root)
    return schema


def _step(schema: Schema, part: int | str) -> Schema:
    if isinstance(part, str):
        return schema.get("properties", {}).get(part) or schema.get("additionalProperties") or {}
    prefix: list[Schema] = schema.get("prefixItems", [])
    return prefix[part] if part < len(prefix) else (schema.get("items") or {})


def _pick(schema: Schema, data: object, root: Schema) -> Schema:
    """Follows references; of a union, takes the branch that the data names by its tag or matches by its type."""
    schema = _followed(schema, root)
    branches = [_followed(branch, root) for branch in schema.get("anyOf") or schema.get("oneOf") or ()]
    tag = schema.get("discriminator", {}).get("propertyName")
    if tag and isinstance(data, dict):
        references = schema["discriminator"]["mapping"]
        named = str(data.get(tag))
        return _followed({"$ref": references[named]}, root) if named in references else schema
    fitting = "object" if isinstance(data, dict) else "array" if isinstance(data, list) else ""
    same = [branch for branch in branches if fitting and branch.get("type") == fitting]
    return _pick(same[0], data, root) if len(same) == 1 else schema


def _followed(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _described(schema: Schema, root: Schema) -> str:
    schema = _followed(schema, root)
    if "discriminator" in schema:
        return "one of " + ", ".join(map(repr, schema["discriminator"]["mapping"]))
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        return _alternatives([_described(branch, root) for branch in branches])
    if "const" in schema:
        return repr(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(map(repr, schema["enum"]))
    words = {"boolean": "True or False", "null": "None", "string": "a string", "object": "an object"}
    kind = str(schema.get("type"))
    if kind in ("integer", "number"):
        return " ".join(("a whole number" if kind == "integer" else "a number", *_range(schema)))
    return _listed(schema, root) if kind == "array" else words.get(kind, "another value")


def _alternatives(words: list[str]) -> str:
    unique = list(dict.fromkeys(words))
    return " or ".join([", ".join(unique[:-1]), unique[-1]]) if len(unique) > 1 else unique[0]


def _range(schema: Schema) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        yield f"from {low} to {high}"
        return
    bounds = {"of at least": low, "above": above, "of at most": high, "below": below}
    said = [f"{words} {bound}" for words, bound in bounds.items() if bound is not None]
    if said:
        yield " and ".join(said)


def _listed(schema: Schema, root: Schema) -> str:
    if prefix := schema.get("prefixItems"):
        items = list(dict.fromkeys(_described(item, root) for item in prefix))
        return f"a list of {len(prefix)} ({', '.join(items)})"
    least, most = schema.get("minItems"), schema.get("maxItems")
    size = f"{least or 0} to {most} " if most else ""
    return f"a list of {size}({_described(schema.get('items', {}), root)})"
