"""Keyset pagination: a page starts after the last row of the page before, so new rows shift nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q
from django.db.models.expressions import OrderBy

Place = tuple[Any, ...]
NOTHING = Q(pk__in=[])


@dataclass(frozen=True, slots=True)
class Key:
    """A field or annotation to order rows by. Nulls come last in both directions."""

    name: str
    kind: type[int] | type[float] | type[datetime]
    descending: bool = False
    nullable: bool = False

    def __str__(self) -> str:
        return f"-{self.name}" if self.descending else self.name

    def ordering(self) -> OrderBy:
        nulls_last = True if self.nullable else None
        return F(self.name).desc(nulls_last=nulls_last) if self.descending else F(self.name).asc(nulls_last=nulls_last)

    def beyond(self, value: Any) -> Q:
        if value is None:
            return NOTHING
        later = Q(**{f"{self.name}__{'lt' if self.descending else 'gt'}": value})
        return later | Q(**{f"{self.name}__isnull": True}) if self.nullable else later

    def same(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})


def ordering(keys: Sequence[Key]) -> list[OrderBy]:
    return [key.ordering() for key in keys]


def place(row: Any, keys: Sequence[Key]) -> Place:
    """The values of `keys` in `row`."""
    return tuple(getattr(row, key.name) for key in keys)


def beyond(keys: Sequence[Key], place: Place) -> Q:
    """The filter for rows after `place`."""
    found, same = NOTHING, Q()
    for key, value in zip(keys, place, strict=True):
        found |= same & key.beyond(value)
        same &= key.same(value)
    return found
