"""How the comparison of two models is written."""

from __future__ import annotations

import json

from django import template

register = template.Library()


@register.filter
def points(difference: float) -> str:
    """A difference of accuracies in percentage points, whoever leads."""
    return f"{100 * abs(difference):.2f}"


@register.filter
def p_value(p: float) -> str:
    """With two digits that count; below a thousandth only that it is."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


@register.filter
def as_json(value: object) -> str:
    """A parameter as JSON has it."""
    return json.dumps(value, ensure_ascii=False)
