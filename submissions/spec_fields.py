"""A form's fields for a family's parameters, made from the spec: kinds, bounds and defaults stand there alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from submissions.families.registry import Family
from submissions.notation_text import NotationError, Text, statements

Schema = Mapping[str, Any]
WORDS = ("None", "True", "False")
NUMBERS = ("integer", "number")


def is_flat(family: Family) -> bool:
    """Whether every parameter is a plain value, so that a form can ask for it; a network's layers are not."""
    schema = family.spec.model_json_schema()
    return all(_is_plain(field) for field in schema["properties"].values())


def spec_fields(family: Family) -> Iterator[tuple[str, forms.Field]]:
    """(parameter, form field) for each parameter of a flat family, filled in with the defaults."""
    schema = family.spec.model_json_schema()
    for name, described in schema["properties"].items():
        if name != "family":
            yield name, _field(name, described, family)


def typed(text: str) -> object:
    """The value as it would stand in the constructor; a bare word is a text, so that quotes may be left out.

    Raises NotationError where it is not one plain value.
    """
    text = text.strip()
    if text.isidentifier() and text not in WORDS:
        return text
    match statements(text):
        case [ast.Expr(value=value)]:
            return Text(text).literal(value)
    raise NotationError.of("model", "Give one plain value.")


def _field(name: str, schema: Schema, family: Family) -> forms.Field:
    default = family.spec.model_fields[name].get_default(call_default_factory=True)
    shared: dict[str, Any] = {
        "label": name,
        "required": False,
        "help_text": family.help.get(name, ""),
        "initial": _shown(default),
    }
    if choices := _choices(schema):
        return forms.ChoiceField(choices=[(_shown(choice), repr(choice)) for choice in choices], **shared)
    if default is None:
        shared["initial"] = ""
    widget = forms.NumberInput(attrs=_bounds(schema)) if _is_one_number(schema) else forms.TextInput()
    widget.attrs["placeholder"] = repr(default)
    return forms.CharField(widget=widget, max_length=500, **shared)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _branches(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", schema.get("oneOf", [schema])))


def _is_plain(schema: Schema) -> bool:
    refers = ("$ref", "prefixItems", "discriminator")
    nested = [branch.get("items", {}) for branch in _branches(schema)]
    return not any(name in part for part in (schema, *_branches(schema), *nested) for name in refers)


def _choices(schema: Schema) -> list[object]:
    """The allowed values where there are only so many; none otherwise."""
    found: list[object] = []
    for branch in _branches(schema):
        if "const" in branch:
            found.append(branch["const"])
        elif "enum" in branch:
            found.extend(branch["enum"])
        elif branch.get("type") == "boolean":
            found.extend([True, False])
        elif branch.get("type") == "null":
            found.append(None)
        else:
            return []
    return found


def _is_one_number(schema: Schema) -> bool:
    kinds = [branch for branch in _branches(schema) if branch.get("type") != "null"]
    return len(kinds) == 1 and kinds[0].get("type") in NUMBERS


def _bounds(schema: Schema) -> dict[str, object]:
    number = next(branch for branch in _branches(schema) if branch.get("type") in NUMBERS)
    given = {"min": number.get("minimum"), "max": number.get("maximum")}
    bounds = {name: bound for name, bound in given.items() if bound is not None}
    return {"step": 1 if number["type"] == "integer" else "any", **bounds}
