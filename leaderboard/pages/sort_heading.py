"""Headings that sort their table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class SortHeading:
    """The query string of a heading's link, and how the table is sorted by it now: a value of `aria-sort`, or ""."""

    query: str
    order: str

    @classmethod
    def of(cls, name: str, sort: str, query: Callable[[str], str], *, ascending_first: bool = False) -> Self:
        """The heading of column `name` in a table sorted by `sort`; `query` gives the query string for another sort.

        The first click sorts in descending order, or with `ascending_first` in ascending order; the next one reverses.
        """
        first, then = (name, f"-{name}") if ascending_first else (f"-{name}", name)
        order = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
        return cls(query(then if sort == first else first), order)

    @classmethod
    def by_rank(cls, sort: str, query: Callable[[str], str]) -> Self:
        """The heading of the rank, which sorts a table where `sort` is empty."""
        return cls(query(""), "" if sort else "ascending")
