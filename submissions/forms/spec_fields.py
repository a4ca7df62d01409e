"""Form fields for a family's parameters, derived from the spec, which alone defines types, bounds and defaults."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pydantic
from django import forms
from django.utils.translation import gettext as _

from submissions.notation.literals import NotationError, Text, statements
from submissions.notation.pipelines import typed_steps, write_steps
from submissions.specs.families import Family

Schema = Mapping[str, Any]
WORDS = ("None", "True", "False")
NUMBERS = ("integer", "number")
STEPS = "preprocess"


class OfferedChoice(forms.ChoiceField):
    """A choice field that accepts any value: the spec or quest refuses invalid ones with one message everywhere."""

    def valid_value(self, value: Any) -> bool:
        return True


def is_flat(family: Family) -> bool:
    """Whether every parameter fits one field: a plain value or preprocessing steps, but not a network's layers."""
    return all(_is_plain(field) for name, field in _properties(family.spec).items() if name != STEPS)


def spec_fields(family: Family) -> Iterator[tuple[str, forms.Field]]:
    """(parameter, form field) for each parameter of a flat family, filled in with the defaults."""
    for name in family.spec.model_fields:
        if name != "family":
            field = steps_field if name == STEPS else field_for
            yield name, field(family.spec, name, help_text=family.help.get(name, ""))


def parse_value(text: str, name: str = "") -> object:
    """Parse a parameter as written in the constructor; a bare word is a string, so quotes are optional.

    Raises NotationError if it is not a single plain value.
    """
    text = text.strip()
    if name == STEPS:
        return typed_steps(text)
    if text.isidentifier() and text not in WORDS:
        return text
    match statements(text):
        case [ast.Expr(value=value)]:
            return Text(text).literal(value)
    raise NotationError.of("model", _("Enter a single value."))


def field_for(model: type[pydantic.BaseModel], name: str, *, help_text: str = "", label: str = "") -> forms.Field:
    """The form field of a plain parameter, filled in with its default."""
    field = blank_field(model, name, help_text=help_text, label=label)
    default = model.model_fields[name].get_default(call_default_factory=True)
    if not isinstance(field, forms.ChoiceField):
        field.widget.attrs["placeholder"] = repr(default)
    field.initial = field_text(field, default)
    return field


def blank_field(model: type[pydantic.BaseModel], name: str, *, help_text: str = "", label: str = "") -> forms.Field:
    """The form field of a plain parameter, without a value."""
    schema = _properties(model)[name]
    shared: dict[str, Any] = {"label": label or name, "required": False, "help_text": help_text}
    if choices := _choices(schema):
        return OfferedChoice(choices=[(_shown(choice), repr(choice)) for choice in choices], **shared)
    widget = forms.TextInput(attrs={"inputmode": _input_mode(schema)} if _is_one_number(schema) else {})
    return forms.CharField(widget=widget, max_length=500, **shared)


def steps_field(model: type[pydantic.BaseModel], name: str, *, help_text: str = "") -> forms.Field:
    """The field for preprocessing steps, written as in a pipeline and separated by commas."""
    widget = forms.TextInput(attrs={"placeholder": "StandardScaler(), PCA(50)"})
    field = forms.CharField(widget=widget, max_length=500, label=name, required=False, help_text=help_text)
    field.initial = field_text(field, model.model_fields[name].default)
    return field


def field_text(field: forms.Field, value: object) -> str:
    """The field's text for a value; a text box shows None as empty."""
    if isinstance(value, tuple):
        return write_steps(value)
    return "" if value is None and not isinstance(field, forms.ChoiceField) else _shown(value)


@cache
def _properties(model: type[pydantic.BaseModel]) -> Schema:
    properties: Schema = model.model_json_schema()["properties"]
    return properties


def _shown(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _branches(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", schema.get("oneOf", [schema])))


def _is_plain(schema: Schema) -> bool:
    refers = ("$ref", "prefixItems", "discriminator")
    nested = [branch.get("items", {}) for branch in _branches(schema)]
    return not any(name in part for part in (schema, *_branches(schema), *nested) for name in refers)


def _choices(schema: Schema) -> list[object]:
    """The allowed values if the schema lists them all; otherwise empty."""
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


def _input_mode(schema: Schema) -> str:
    """The `inputmode` for phone keyboards.

    Not type=number: browsers submit an unreadable number as empty, which would mean the default.
    """
    number = next(branch for branch in _branches(schema) if branch.get("type") in NUMBERS)
    least = number.get("minimum", number.get("exclusiveMinimum"))
    if least is None or least < 0:
        return "text"
    return "numeric" if number["type"] == "integer" else "decimal"
