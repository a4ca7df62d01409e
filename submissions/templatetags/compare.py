"""Filters for the comparison of two models."""

from __future__ import annotations

import json

from django import template

register = template.Library()


@register.filter
def points(difference: float) -> str:
    """The absolute difference of two accuracies, in percentage points."""
    return f"{100 * abs(difference):.2f}"


@register.filter
def p_value(p: float) -> str:
    """A p-value with two significant digits, or `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


@register.filter
def as_json(value: object) -> str:
    """A parameter value as JSON."""
    return json.dumps(value, ensure_ascii=False)
